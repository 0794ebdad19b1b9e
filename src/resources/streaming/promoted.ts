import { dataQuestion, readDataDirectory, type DataDirectoryState } from '../data-directory.js';
import { gate } from '../gate.js';
import type { LogPlace } from '../host-logs.js';
import { findRows, psql, psqlInput, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, NOTHING_DONE, type Gate, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';

/** A standby that is to take over from a primary that was stopped cleanly. */
export interface CaughtUpOptions {
  /** The data directory. */
  path: string;
  server: LocalServer;
  /** Who was the primary, and where its last checkpoint is, with which it stopped: `0/5005420`. */
  from: string;
  checkpoint: string;
}

/** Seconds in which a standby has what its primary sent before it stopped. */
const CAUGHT_UP_WITHIN = 30;

/**
 * A standby that has all that its primary ever wrote: its control file has the checkpoint with which that stopped, and it has replayed what it has
 * received.
 */
export function standbyCaughtUp({ path, server, from, checkpoint }: CaughtUpOptions): Resource<DataDirectoryState> {
  const data = dataQuestion({ path, binDirectory: server.binDirectory, user: server.user });
  const at = sqlLiteral(checkpoint);
  const id = 'standby-caught-up';
  return {
    id,
    sharedQuestions: [data],
    probe: () => printAnswer(data),
    parse: readDataDirectory,
    diff: (state) =>
      hasCheckpoint(state, checkpoint)
        ? []
        : [{ action: 'run', summary: `write a checkpoint, and find that of ${from} (REDO location ${checkpoint}) in pg_controldata` }],
    apply: () => sh`waited=0
until [ "$(${psql(server, ['-c', `SELECT pg_last_wal_replay_lsn() > ${at} AND pg_last_wal_replay_lsn() >= coalesce(pg_last_wal_receive_lsn(), '0/0')`])})" = t ]; do
waited=$((waited + 1))
if [ "$waited" -ge $((${seconds(CAUGHT_UP_WITHIN)} * 5)) ]; then
echo ${`this standby lacks WAL of ${from}, which stopped with the checkpoint at ${checkpoint}: it has replayed up to`} "$(${psql(server, ['-c', 'SELECT pg_last_wal_replay_lsn()'])})"
exit ${NOTHING_DONE}
fi
sleep 0.2
done
${psqlInput(server, 'CHECKPOINT')}
${assertCheckpoint(server, path, { from, checkpoint })}`,
    digest: () => digestOf(id, path, checkpoint),
  };
}

/** Whether a server's control file has this checkpoint, and nothing was written beside it. */
export function hasCheckpoint(state: DataDirectoryState | undefined, checkpoint: string | undefined): boolean {
  return (
    state?.kind === 'cluster' && checkpoint !== undefined && state.position?.checkpoint === checkpoint && state.position.atRest === true
  );
}

function assertCheckpoint(server: LocalServer, path: string, { from, checkpoint }: Pick<CaughtUpOptions, 'from' | 'checkpoint'>): Script {
  return sh`redo=$(LC_ALL=C ${`${server.binDirectory}/pg_controldata`} ${path} | sed -n ${"s/^Latest checkpoint's REDO location: *//p"})
if [ "$redo" != ${checkpoint} ]; then
echo ${`REDO locations differ: ${checkpoint} on ${from}, and here`} "$redo"
exit ${NOTHING_DONE}
fi`;
}

/** A standby that is to be the primary. */
export interface PromotedOptions {
  path: string;
  server: LocalServer;
  /** Where the former primary stopped cleanly: this is asked once more right before; undefined: nothing of it is known. */
  after: Pick<CaughtUpOptions, 'from' | 'checkpoint'> | undefined;
}

/** What a server is; undefined while it takes no connections. */
interface PromotedState {
  standby: boolean | undefined;
}

const QUERY = 'SELECT pg_is_in_recovery() AS promoted';

/** Seconds in which a standby ends its recovery. */
const PROMOTED_WITHIN = 180;

/** A standby that was promoted. */
export function promoted({ path, server, after }: PromotedOptions): Resource<PromotedState> {
  const rows = sqlQuestion(server, QUERY);
  const id = 'promoted';
  return {
    id,
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [standby] = findRows(answerText(answer), QUERY) ?? [];
      return { standby: standby === undefined ? undefined : standby === 't' };
    },
    diff: ({ standby }) => (standby === false ? [] : [{ action: 'run', summary: 'promote this standby: pg_promote()' }]),
    apply: () =>
      joinScripts([
        after === undefined ? NOTHING : assertCheckpoint(server, path, after),
        sh`ended=$(printf 'SELECT pg_promote(true, %s);\n' ${seconds(PROMOTED_WITHIN)} | ${psql(server, ['-f', '-'])})
if [ "$ended" != t ]; then
echo ${`it was told to be the primary, and has not ended its recovery within`} ${seconds(PROMOTED_WITHIN)} s
exit 1
fi`,
      ]),
    digest: () => digestOf(id, path),
  };
}

/** Seconds after which a commit counts as one that waits; one that waits for a standby never ends by itself. */
const COMMITS_WITHIN = 10;

/** Open when a server takes writes: something that leaves no trace is committed. */
export function writesGate({ unit, server, log, host }: { unit: string; server: LocalServer; log: LogPlace; host: string }): Gate {
  return gate({
    name: 'writes',
    title: `${host} takes writes`,
    unit,
    log,
    fatalLogPatterns: [],
    check: sh`timeout -k 1 ${seconds(COMMITS_WITHIN)} ${psql(server, ['-c', "SELECT pg_logical_emit_message(true, 'pgprov', '')"])} >/dev/null && exit 0
names=$(timeout -k 1 ${seconds(COMMITS_WITHIN)} ${psql(server, ['-c', 'SHOW synchronous_standby_names'])}) || names=
[ -z "$names" ] || echo "no commit ends: it waits for standbys, as synchronous_standby_names is $names"
exit 1`,
    look: {
      probe: () => NOTHING,
      parse: () => ({ open: false, seen: '' }),
    },
  });
}
