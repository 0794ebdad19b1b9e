import { handle } from '../handle.js';
import { RECEIVES } from '../../postgres/wal-receiver.js';
import { findRows, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { joinScripts, sh } from '../../shell/quote.js';

/** A server that streams without Patroni, as it is asked before each group of stages. */
export interface StreamingServer {
  /** There is a standby.signal in the data directory: the server starts as a standby. */
  signal: boolean;
  /** What the server says; undefined while it takes no connections. */
  says: StreamingWords | undefined;
}

/** What a server says of its part. */
export interface StreamingWords {
  /** It replays what another server writes. */
  standby: boolean;
  /** The newest timeline that it knows to be in. */
  timeline: number;
  /** Bytes of WAL up to its end: what a primary has written, what a standby has received or replayed. */
  position: number;
  /** The same as PostgreSQL writes it: `0/5005420`. */
  location: string;
  /** Of a standby: bytes of WAL that it has replayed, and whether that is paused. */
  replayed?: number;
  paused?: boolean;
  /** Of a standby that has replayed a commit since it was started: when the last one was made, in seconds since 1970 by the clock of its primary. */
  lastCommit?: number;
  /** `170012` */
  version: number;
  /** Of a standby that receives WAL: bytes up to the end that its sender last said to have. */
  senderEnd?: number;
  /** Its WAL receiver gets WAL. */
  receives: boolean;
  /** Of a standby that receives WAL: the server that sends it, as its connection has it: `10.0.0.11`, `pg1`. */
  from?: string;
  /** Who receives WAL from it, by application_name, with the state and whether commits wait for it: `async`, `sync`, `quorum`, `potential`. */
  sends: readonly { name: string; state: string; sync?: string }[];
}

/** The observation's id. */
export const STREAMING_SERVER = handle<StreamingServer>('streaming-server');

/**
 * pg_control has the timeline of the last restartpoint, which may be some before the one that a standby without a sender has received last. Of a
 * timeline that it came to it has the history too; pg_rewind keeps WAL of one that it took back, without that.
 */
const IN_WAL_FILES = `(SELECT max(('x' || left(name, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'
      AND left(name, 8) || '.history' IN (SELECT name FROM pg_ls_waldir()))`;

const QUERY = `WITH here AS (SELECT pg_is_in_recovery() AS standby,
  CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_lsn() END AS lsn)
SELECT json_build_object('standby', standby, 'location', lsn::text, 'position', pg_wal_lsn_diff(lsn, '0/0'),
  'timeline', CASE WHEN standby THEN greatest((SELECT received_tli FROM pg_stat_wal_receiver),
      (SELECT min_recovery_end_timeline FROM pg_control_recovery()), (SELECT timeline_id FROM pg_control_checkpoint()), ${IN_WAL_FILES})
    ELSE ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int END,
  'replayed', pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'),
  'lastCommit', CASE WHEN standby THEN extract(epoch FROM pg_last_xact_replay_timestamp()) END,
  'senderEnd', (SELECT pg_wal_lsn_diff(latest_end_lsn, '0/0') FROM pg_stat_wal_receiver WHERE ${RECEIVES}), 'paused', CASE WHEN standby THEN pg_is_wal_replay_paused() END,
  'version', current_setting('server_version_num')::int, 'receives', EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${RECEIVES}),
  'from', (SELECT sender_host FROM pg_stat_wal_receiver WHERE ${RECEIVES}),
  'sends', coalesce((SELECT json_agg(json_build_object('name', application_name, 'state', state, 'sync', sync_state)) FROM pg_stat_replication), '[]'))::text FROM here`;

/** Line that says that there is a standby.signal. */
const SIGNAL = '@standby.signal';

/** What a server is, and what it would be after its next start. */
export function streamingServer(server: LocalServer, path: string): Observation<StreamingServer> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...STREAMING_SERVER,
    sharedQuestions: [rows],
    probe: () => joinScripts([printAnswer(rows), sh`[ ! -e ${`${path}/standby.signal`} ] || echo ${SIGNAL}`]),
    parse: (answer) => {
      const text = answerText(answer);
      const [row] = (findRows(text, QUERY) ?? []).filter((line) => line !== SIGNAL);
      return {
        signal: text.split('\n').includes(SIGNAL),
        says: row === undefined ? undefined : readWords(JSON.parse(row) as Json),
      };
    },
  };
}

type Json = Omit<StreamingWords, 'replayed' | 'paused' | 'senderEnd' | 'lastCommit' | 'from'> & {
  replayed: number | null;
  senderEnd: number | null;
  lastCommit: number | null;
  paused: boolean | null;
  from: string | null;
};

function readWords({ replayed, senderEnd, lastCommit, paused, from, ...words }: Json): StreamingWords {
  if (!words.standby) return words;
  return {
    ...words,
    ...(replayed === null ? {} : { replayed }),
    ...(senderEnd === null ? {} : { senderEnd }),
    ...(lastCommit === null ? {} : { lastCommit }),
    ...(paused === null ? {} : { paused }),
    ...(from === null ? {} : { from }),
  };
}
