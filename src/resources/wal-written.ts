import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** How far a server that takes writes has come. */
export interface WalWritten {
  /** The end of what it has written, as PostgreSQL writes locations. */
  location: string;
  /** The number after that of the last transaction that has ended; numbers go on over a wraparound. */
  nextTransaction: number;
  /** Transactions before it that have not ended. */
  runningTransactions: readonly number[];
}

/** The observation's id; undefined where the server replays what another one writes, or is down. */
export const WAL_WRITTEN = handle<WalWritten | undefined>('wal-written');

const QUERY = 'SELECT pg_current_wal_lsn(), txid_current_snapshot() WHERE NOT pg_is_in_recovery()';

/** Asks the host's own server once. */
export function walWritten(server: LocalServer): Observation<WalWritten | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...WAL_WRITTEN,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => readWritten(findRows(answerText(answer), QUERY)?.[0]),
  };
}

/** Reads `0/3000028|740:744:741,743`. */
function readWritten(row: string | undefined): WalWritten | undefined {
  const {
    location,
    next,
    running = '',
  } = /^(?<location>[0-9A-F]+\/[0-9A-F]+)\|\d+:(?<next>\d+):(?<running>[\d,]*)$/u.exec(row ?? '')?.groups ?? {};
  if (location === undefined || next === undefined) return undefined;
  const runningTransactions = running.split(',').flatMap((number) => (number === '' ? [] : Number(number)));
  return { location, nextTransaction: Number(next), runningTransactions };
}
