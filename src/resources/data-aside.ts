import { seconds } from '../shell/patience.js';
import { joinScripts, NOTHING, sh } from '../shell/quote.js';
import { DATA_COPY, dataCopy, defineIdentity, type DataCopy } from './data-copy.js';
import type { Ownership } from './files/path.js';
import { putAside } from './put-aside.js';
import { spacesAside } from './upgrade/spaces.js';
import { digestOf, type Resource } from './resource.js';

/** The copy that is to go aside, and whose it is. */
export interface DataAsideOptions {
  path: string;
  ownership: Ownership;
  /** Patroni's unit, or that of a PostgreSQL without Patroni, which is stopped first. */
  unit: string;
  /** Patroni's REST API, `http://10.0.0.13:8008`: a member that leads by now is left alone. */
  url?: string;
  binDirectory: string;
  /** `DataCopy.identity` of the copy; another one stays where it is. */
  identity: string;
  /** Its tablespaces go aside with it, and what else is in their directories stays. */
  movesTablespaces?: boolean;
}

/** Seconds that Patroni, and then PostgreSQL, may take to end. */
const STOPS_WITHIN = 300;

/**
 * A member's data out of its place, kept beside it: Patroni is stopped, PostgreSQL with it, and the directory renamed. Where Patroni is
 * started again, or the host boots, it finds nothing there and copies the leader's data.
 */
export function dataAside({
  path,
  ownership,
  unit,
  url,
  binDirectory,
  identity,
  movesTablespaces = false,
}: DataAsideOptions): Resource<DataCopy> {
  const { owner } = ownership;
  return {
    ...dataCopy(path, { movesTablespaces }),
    id: `${DATA_COPY.id}:${path}`,
    diff: (state) =>
      state.identity === identity ? [{ action: 'update', summary: `stop ${unit}, and put the data in ${path} aside` }] : [],
    apply: () =>
      joinScripts([
        url === undefined
          ? NOTHING
          : sh`if [ "$(curl -s -m ${seconds(10)} -o /dev/null -w '%{http_code}' ${`${url}/leader`})" = 200 ]; then
echo 'this member leads by now, and its data is not touched'
exit 1
fi`,
        sh`if ! timeout ${seconds(STOPS_WITHIN)} systemctl stop ${unit}; then
echo ${`${unit} did not stop; its last words:`}
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi
serves() {
pid=
[ ! -r ${`${path}/postmaster.pid`} ] || read -r pid <${`${path}/postmaster.pid`} || :
case "$pid" in -*) pid=$((0 - pid)) ;; esac
[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ]
}
if serves; then
note 'PostgreSQL still runs, and is stopped'
runuser -u ${owner} -- ${`${binDirectory}/pg_ctl`} stop -s -D ${path} -m fast -t ${seconds(STOPS_WITHIN)} || :
fi
if serves; then
echo ${`PostgreSQL did not stop, and still runs with ${path}`}
exit 1
fi
${defineIdentity}
if [ "$(identity ${path})" != ${identity} ]; then
echo ${`${path} holds another copy by now; run this again`}
exit 1
fi`,
        movesTablespaces ? spacesAside(path) : NOTHING,
        putAside(path, ownership),
      ]),
    digest: () => digestOf(DATA_COPY.id, path, identity),
  };
}
