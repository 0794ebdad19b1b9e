import { gate } from '../gate.js';
import { memberProgress } from '../member-progress.js';
import { startPrivateServer, type PrivateServerOptions } from './private-server.js';
import { asDatabaseUser } from '../psql.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { PRIVATE_UNIT } from './place.js';
import { sh, type Script } from '../../shell/quote.js';

/** A restored data directory that is to become a standby's. */
export interface StandbyConsistentOptions extends PrivateServerOptions {
  /** PostgreSQL's `restore_command`, which reads from the repository. */
  restoreCommand: string;
}

/** What a recovery could end at besides `recovery_target`. */
const OTHER_TARGETS = ['recovery_target_lsn', 'recovery_target_name', 'recovery_target_time', 'recovery_target_xid'];

/** How PostgreSQL calls a standby that ended cleanly. */
const ENDED = 'shut down in recovery';

/**
 * A restored backup has been replayed to where it is consistent, by the private server, which ends there: it is a standby that was shut down, and
 * Patroni starts it as one. Patroni (seen with 4.0) takes the backup of a primary as it is for a primary that crashed and recovers it in
 * single-user mode, which writes WAL that the leader never wrote.
 */
export function standbyConsistent(options: StandbyConsistentOptions): Resource<{ done: boolean }> {
  const { path, server, restoreCommand } = options;
  const id = `standby-consistent:${path}`;
  const settings = {
    restore_command: restoreCommand,
    // PostgreSQL takes only one target that is set, and Patroni's configuration gives each of the others as an empty one.
    ...Object.fromEntries(OTHER_TARGETS.map((name) => [name, ''])),
    recovery_target: 'immediate',
    recovery_target_action: 'shutdown',
    // The backup's own: which timelines come after it is for the standby to find.
    recovery_target_timeline: 'current',
    primary_conninfo: '',
    primary_slot_name: '',
  };
  return {
    id,
    probe: () => sh`if systemctl -q is-active ${PRIVATE_UNIT} || ${hasEnded(options)}; then echo done; fi`,
    parse: (answer) => ({ done: answerText(answer).trim() === 'done' }),
    diff: ({ done }) => (done ? [] : [{ action: 'run', summary: `replay WAL in ${path} to the end of the backup` }]),
    apply: () => sh`${asDatabaseUser(server, sh`touch ${`${path}/standby.signal`}`)}
${startPrivateServer(options, settings)}`,
    digest: () => digestOf(id, ...Object.values(settings)),
  };
}

function hasEnded({ path, server }: Pick<StandbyConsistentOptions, 'path' | 'server'>): Script {
  return sh`${`${server.binDirectory}/pg_controldata`} ${path} 2>/dev/null | grep -q ${`^Database cluster state: *${ENDED}$`}`;
}

/** Seconds in which a recovery that gets no further is waited for. */
const STANDS_STILL = 900;

/** Open when the private server has replayed the backup, and ended. */
export function consistentGate({ path, server }: Pick<StandbyConsistentOptions, 'path' | 'server'>): Gate {
  return gate({
    name: 'standby-consistent',
    title: 'the backup is replayed to its end',
    unit: PRIVATE_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: memberProgress(path),
    check: sh`! systemctl -q is-active ${PRIVATE_UNIT} || { echo 'PostgreSQL replays'; exit 1; }
${hasEnded({ path, server })}`,
  });
}

/** Whether a directory is so, by the state that its control file has. */
export function isConsistent(clusterState: string | undefined): boolean {
  return clusterState === ENDED;
}
