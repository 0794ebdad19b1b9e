import { enumerate, gate, joinScripts, psql, sh, wakeMember, type Gate, type RoleContext } from '../../index.js';
import { accountsOf, hostsWith, localServer, restApiUrl } from '../../../roles/shared/layout.js';

/** Journal lines of Patroni on the leader that more waiting will not fix. */
export const HOPELESS = ['system ID mismatch', 'No space left on device', 'PANIC: '];

/** The standbys with a connection that streams, by their names in Patroni. */
export const STREAMING_STANDBYS = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'";

/**
 * Open when the member on this host leads, and its Patroni lists all of these as streaming on its timeline. What a standby
 * says of itself comes earlier: Patroni writes it into the store once a loop. Before Patroni 3.0.4 a standby is listed as running all the while,
 * and the leader's server tells whether it streams. All of them are woken meanwhile: a former leader that has to rewind stays down until its
 * loop comes round, and the new one makes the slots of the others then.
 * @param others members by their names in Patroni
 */
export function streamingGate(context: RoleContext, others: readonly string[]): Gate {
  const { host, inventory, platform } = context;
  const url = restApiUrl(host);
  const { name: user, password } = accountsOf(context).restApi;
  const members = hostsWith(inventory, 'patroni').filter(({ name }) => name === host.name || others.includes(name));
  return gate({
    name: 'all-stream',
    title: `${enumerate(others)} ${others.length === 1 ? 'streams' : 'stream'} from ${host.name}`,
    unit: platform.patroni.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 300,
    nudge: joinScripts(members.map((member) => wakeMember(restApiUrl(member), { user, password }))),
    check: sh`listed=$(curl -s -m 3 ${`${url}/cluster`} | tr '{' '\n')
line() { printf '%s\n' "$listed" | grep -F "\"name\": \"$1\","; }
streams() { ${psql(localServer(host, platform), ['-c', STREAMING_STANDBYS])} 2>/dev/null | grep -qxF "$1"; }
timeline() { sed -n 's/.*"timeline": \([0-9]*\).*/\1/p'; }
leader=$(line ${host.name})
case "$leader" in
*'"role": "leader"'*) ;;
*) echo ${`${host.name} does not lead yet`}; exit 1 ;;
esac
now=$(printf '%s\n' "$leader" | timeline)
for member in ${others}; do
seen=$(line "$member")
case "$seen" in
*'"state": "streaming"'*) ;;
*'"state": "running"'*) streams "$member" || { echo "$member does not stream yet"; exit 1; } ;;
*) echo "$member: $(printf '%s\n' "$seen" | sed -n 's/.*"state": "\([^"]*\)".*/\1/p')"; exit 1 ;;
esac
[ "$(printf '%s\n' "$seen" | timeline)" = "$now" ] || { echo "$member is not on timeline $now yet"; exit 1; }
done`,
  });
}
