import { gate, sh, type Gate, type RoleContext } from '../../index.js';
import { restApiUrl } from '../../../roles/shared/layout.js';

/** What Patroni is given time for. */
export interface Election {
  /** Who had the lead, by its name in Patroni; '' where nobody knows. */
  former: string;
  /** The REST API of the former leader; undefined where nobody knows it. */
  formerUrl: string | undefined;
  /** After that it is not waited for any longer. */
  seconds: number;
}

/** Open when another member leads, when the former leader does again, or when Patroni has had its time to choose one. */
export function electionGate({ host, platform }: RoleContext, { former, formerUrl, seconds }: Election): Gate {
  const back =
    formerUrl === undefined ? sh`false` : sh`[ "$(curl -s -m 1 -o /dev/null -w '%{http_code}' ${`${formerUrl}/primary`})" = 200 ]`;
  return gate({
    name: 'election',
    title: `Patroni has chosen a leader, or ${seconds} s are over`,
    unit: platform.patroni.unit,
    fatalLogPatterns: [],
    timeout: seconds + 60,
    check: sh`[ "$waited" -ge ${seconds} ] && exit 0
leader=$(curl -s -m 3 ${`${restApiUrl(host)}/cluster`} | tr '{' '\n' | grep -E '"role": *"(leader|master|primary)"' | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' | head -n 1)
case "$leader" in
'') echo 'nobody leads'; exit 1 ;;
${former}) ${back} || { echo "$leader has its lease still"; exit 1; } ;;
esac`,
  });
}
