import { enumerate, gate, logPlaceOf, psql, RECEIVER_STATE, sh, type Gate, type RoleContext } from '../../../index.js';
import { localServer } from '../../../../roles/shared/layout.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { STREAMING_STANDBYS } from '../streaming-gate.js';

/** What PostgreSQL says where waiting does not help: the WAL is gone, it parted from its primary, or it is of another database. */
const HOPELESS = [
  'requested WAL segment .* has already been removed',
  'forked off current database system timeline',
  'database system identifier differs',
  'No space left on device',
  'PANIC: ',
];

/** Seconds; a standby first replays what it had not before. */
const STREAMS_WITHIN = 300;

/** Open when the server on this host takes connections, streams if it is a standby, and sends to all of these. */
export function streamsGate(context: RoleContext, to: readonly string[]): Gate {
  const { host, platform } = context;
  const server = localServer(host, platform);
  const also = to.length === 0 ? '' : `, and ${enumerate(to)} from it`;
  return gate({
    name: 'server-streams',
    title: `${host.name} runs and streams${also}`,
    unit: unitServer(context).unit,
    log: logPlaceOf(context),
    fatalLogPatterns: HOPELESS,
    timeout: STREAMS_WITHIN,
    check: sh`recovers=$(${psql(server, ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null) || { echo 'no connection yet'; exit 1; }
if [ "$recovers" = t ]; then
receiver=$(${psql(server, ['-c', RECEIVER_STATE])} 2>/dev/null) || receiver='no connection yet'
[ "$receiver" = streaming ] || { echo "$receiver"; exit 1; }
fi
connected=$(${psql(server, ['-c', STREAMING_STANDBYS])} 2>/dev/null)
for standby in ${to}; do
printf '%s\n' "$connected" | grep -qxF "$standby" || { echo "$standby does not stream from it yet"; exit 1; }
done`,
  });
}

/** Open when the server on this host takes connections, whether or not it streams. */
export function answersGate(context: RoleContext): Gate {
  const { host, platform } = context;
  return gate({
    name: 'server-answers',
    title: `${host.name} takes connections`,
    unit: unitServer(context).unit,
    log: logPlaceOf(context),
    fatalLogPatterns: HOPELESS,
    timeout: STREAMS_WITHIN,
    check: sh`${psql(localServer(host, platform), ['-c', 'SELECT 1'])} >/dev/null 2>&1 || { echo 'no connection yet'; exit 1; }`,
  });
}
