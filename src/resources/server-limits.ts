import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerLines, answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/**
 * Parameters that a standby must not have lower than its primary, and what pg_controldata calls them. Source: PostgreSQL's documentation,
 * Hot Standby, Administrator's Overview.
 */
export const STANDBY_LIMITS = {
  max_connections: 'max_connections',
  max_worker_processes: 'max_worker_processes',
  max_wal_senders: 'max_wal_senders',
  max_prepared_transactions: 'max_prepared_xacts',
  max_locks_per_transaction: 'max_locks_per_xact',
} as const;

/** One of these parameters. */
export type StandbyLimit = keyof typeof STANDBY_LIMITS;

/** Their values, as far as they are known. */
export type Limits = Readonly<Partial<Record<StandbyLimit, number>>>;

/** A server's start, and the parameters that its standbys, or itself as a standby, depend on. */
export interface ServerLimits {
  /** When the server was started, in seconds since 1970 with fractions, as text; undefined while it takes no connection. */
  started: string | undefined;
  /** In force; undefined while it takes no connection. */
  running: Limits | undefined;
  /** Of the primary, as far as the data directory has replayed them: a standby does not start with less. */
  control: Limits;
}

/** The observation's id. */
export const SERVER_LIMITS = handle<ServerLimits>('server-limits');

const STARTED = 'started';

/** When the server was started; the text of a query that gives one row, as `ServerLimits.started` has it. */
export const STARTED_QUERY = 'SELECT extract(epoch FROM pg_postmaster_start_time())';

/** Asks the local server, and its control file in the directory `data`. */
export function serverLimits(server: LocalServer, data: string): Observation<ServerLimits> {
  const names = Object.keys(STANDBY_LIMITS).map((name) => `'${name}'`);
  const query = `SELECT name || '=' || setting FROM pg_settings WHERE name IN (${names.join(', ')}) UNION ALL SELECT '${STARTED}=' || (${STARTED_QUERY})`;
  const rows = sqlQuestion(server, query);
  return {
    ...SERVER_LIMITS,
    sharedQuestions: [rows],
    probe: () => sh`LC_ALL=C ${`${server.binDirectory}/pg_controldata`} ${data} 2>/dev/null | sed -n ${CONTROL_LINES}
${printAnswer(rows)}`,
    parse: (answer) => {
      const found = findRows(answerText(answer), query)?.map(pair) ?? [];
      const control = answerLines(answer)
        .filter((line) => line.startsWith('control '))
        .map((line) => pair(line.slice('control '.length)));
      const names = Object.keys(STANDBY_LIMITS) as StandbyLimit[];
      return {
        started: found.find(([name]) => name === STARTED)?.[1],
        running: found.length === 0 ? undefined : limitsOf(found, names, (name) => name),
        control: limitsOf(control, names, (name) => STANDBY_LIMITS[name]),
      };
    },
  };
}

const CONTROL_LINES = String.raw`s/^\(max_[a-z_]*\) setting: *\([0-9]*\)$/control \1=\2/p`;

function pair(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

function limitsOf(pairs: readonly [string, string][], names: readonly StandbyLimit[], called: (name: StandbyLimit) => string): Limits {
  const values = new Map(pairs);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values.get(called(name));
      return value === undefined ? [] : [[name, Number(value)]];
    }),
  );
}
