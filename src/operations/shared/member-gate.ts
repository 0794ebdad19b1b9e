import { enumerate, gate, psql, RECEIVER_STATE, sh, wakeMember, type Gate, type RoleContext } from '../../index.js';
import { accountsOf, localServer, restApiUrl } from '../../../roles/shared/layout.js';
import { HOPELESS, STREAMING_STANDBYS } from './streaming-gate.js';

/**
 * Open when the standby on this host streams, by its own WAL receiver and by Patroni's list of the cluster, which calls it running before
 * Patroni 3.0.4. What only the list says may be older than the restart.
 */
export function standbyGate(context: RoleContext): Gate {
  const { host, platform } = context;
  const url = restApiUrl(host);
  const { name: user, password } = accountsOf(context).restApi;
  return gate({
    name: 'standby-streams',
    title: `${host.name} streams`,
    unit: platform.patroni.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 300,
    nudge: wakeMember(url, { user, password }),
    check: sh`receiver=$(${psql(localServer(host, platform), ['-c', RECEIVER_STATE])} 2>/dev/null) || receiver='no connection yet'
case "$receiver" in
streaming) ;;
*) echo "$receiver"; exit 1 ;;
esac
listed=$(curl -s -m 3 ${`${url}/cluster`} | tr '{' '\n' | grep -F ${`"name": "${host.name}",`})
case "$listed" in
*'"state": "streaming"'* | *'"state": "running"'*) ;;
*) echo 'Patroni lists it otherwise'; exit 1 ;;
esac`,
  });
}

/** Open when the member on this host leads, and its server has connections from all of these that stream. */
export function leaderGate({ host, platform }: RoleContext, others: readonly string[]): Gate {
  return gate({
    name: 'leader-streams',
    title:
      others.length === 0
        ? `${host.name} leads`
        : `${host.name} leads, and ${enumerate(others)} ${others.length === 1 ? 'streams' : 'stream'}`,
    unit: platform.patroni.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 300,
    check: sh`[ "$(curl -s -m 3 -o /dev/null -w '%{http_code}' ${`${restApiUrl(host)}/leader`})" = 200 ] || { echo 'it does not lead yet'; exit 1; }
connected=$(${psql(localServer(host, platform), ['-c', STREAMING_STANDBYS])} 2>/dev/null)
for member in ${others}; do
printf '%s\n' "$connected" | grep -qxF "$member" || { echo "$member does not stream yet"; exit 1; }
done`,
  });
}
