import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** What a server's own statistics say of what goes wrong slowly. Times are seconds before the server answered. */
export interface ServerHealth {
  /** It replays what another server wrote. */
  standby: boolean;
  archiver: {
    /** archive_mode is on. */
    on: boolean;
    archivedAgo?: number;
    failedAgo?: number;
    failedWal?: string;
    failures: number;
  };
  /** Databases with pages whose checksums did not match when they were read. */
  checksumFailures: { database: string; failures: number; ago?: number }[];
  /** The oldest transactions that have been open for more than an hour and hold back vacuum. */
  transactions: { pid: number; user: string; database: string; application: string; state: string; age: number }[];
  /** Prepared transactions that have waited for more than an hour for their end. */
  prepared: { gid: string; database: string; age: number }[];
  /** The database that is closest to the end of its transaction numbers, and how many it has used. */
  oldest?: { database: string; transactions: number };
  /** Databases that were made with another version of their collation than the system has now. */
  collations: { database: string; recorded: string; actual: string }[];
  /** Who has most of the connections, the most first. */
  clients: { user: string; database: string; application: string; state: string; count: number }[];
  /** Standbys that report to this primary that they have more WAL than it has written itself. */
  ahead: { name: string; position: string; own: string }[];
}

/** The observation's id; undefined while the server is down. */
export const SERVER_HEALTH = handle<ServerHealth | undefined>('server-health');

/** Asks the server's statistics; `version` is its major one. */
export function serverHealth(server: LocalServer, version: number): Observation<ServerHealth | undefined> {
  const query = healthQuery(version);
  const rows = sqlQuestion(server, query);
  return {
    ...SERVER_HEALTH,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => readHealth(findRows(answerText(answer), query) ?? []),
  };
}

/** PostgreSQL knows the version of a database's collation since 15. */
const KNOWS_COLLATIONS = 15;

const COLLATIONS = `
UNION ALL SELECT json_build_object('kind', 'collation', 'database', datname, 'recorded', datcollversion, 'actual', pg_database_collation_actual_version(oid))::text
FROM pg_database WHERE datallowconn AND datcollversion <> pg_database_collation_actual_version(oid)`;

/**
 * A primary's own position is read after what its standbys report, and where WAL is written to in memory, so that it is never behind them on a
 * busy server.
 */
function healthQuery(version: number): string {
  return `WITH senders AS MATERIALIZED (SELECT application_name, greatest(flush_lsn, replay_lsn) AS lsn FROM pg_stat_replication WHERE state = 'streaming'),
own AS MATERIALIZED (SELECT CASE WHEN pg_is_in_recovery() THEN NULL WHEN (SELECT count(*) FROM senders) >= 0 THEN pg_current_wal_insert_lsn() END AS lsn)
SELECT json_build_object('kind', 'server', 'standby', pg_is_in_recovery())::text
UNION ALL SELECT json_build_object('kind', 'archiver', 'on', current_setting('archive_mode') <> 'off', 'wal', last_failed_wal, 'failures', failed_count,
  'archived', extract(epoch FROM clock_timestamp() - last_archived_time), 'failed', extract(epoch FROM clock_timestamp() - last_failed_time))::text
FROM pg_stat_archiver
UNION ALL SELECT json_build_object('kind', 'checksum', 'database', coalesce(datname, 'shared'), 'failures', checksum_failures,
  'ago', extract(epoch FROM clock_timestamp() - checksum_last_failure))::text FROM pg_stat_database WHERE checksum_failures > 0
UNION ALL SELECT one FROM (SELECT json_build_object('kind', 'transaction', 'pid', pid, 'user', usename, 'database', datname,
  'application', application_name, 'state', state, 'age', extract(epoch FROM clock_timestamp() - xact_start))::text AS one FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL) AND xact_start < clock_timestamp() - interval '1 hour'
  ORDER BY xact_start LIMIT 5) t
UNION ALL SELECT json_build_object('kind', 'prepared', 'gid', gid, 'database', database, 'age', extract(epoch FROM clock_timestamp() - prepared))::text
FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - interval '1 hour'
UNION ALL SELECT one FROM (SELECT json_build_object('kind', 'oldest', 'database', datname, 'transactions',
  greatest(age(datfrozenxid), mxid_age(datminmxid)))::text AS one FROM pg_database ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC LIMIT 1) o
UNION ALL SELECT one FROM (SELECT json_build_object('kind', 'client', 'user', usename, 'database', datname, 'application', application_name,
  'state', state, 'count', count(*))::text AS one FROM pg_stat_activity WHERE backend_type = 'client backend'
  GROUP BY usename, datname, application_name, state ORDER BY count(*) DESC LIMIT 4) c
UNION ALL SELECT json_build_object('kind', 'ahead', 'name', application_name, 'position', senders.lsn, 'own', own.lsn)::text
FROM senders, own WHERE senders.lsn > own.lsn${version >= KNOWS_COLLATIONS ? COLLATIONS : ''}`;
}

type Row = Readonly<Record<string, unknown>>;

function readHealth(rows: readonly string[]): ServerHealth | undefined {
  const read = rows.map((row) => JSON.parse(row) as Row);
  const of = (kind: string): Row[] => read.filter((row) => row['kind'] === kind);
  const [server] = of('server');
  if (server === undefined) return undefined;
  const [archiver = {}] = of('archiver');
  const [oldest] = of('oldest');
  return {
    standby: server['standby'] === true,
    archiver: {
      on: archiver['on'] === true,
      ...given('archivedAgo', archiver['archived']),
      ...given('failedAgo', archiver['failed']),
      ...(typeof archiver['wal'] === 'string' ? { failedWal: archiver['wal'] } : {}),
      failures: Number(archiver['failures'] ?? 0),
    },
    checksumFailures: of('checksum').map((row) => ({
      database: text(row['database']),
      failures: Number(row['failures']),
      ...given('ago', row['ago']),
    })),
    transactions: of('transaction').map((row) => ({
      pid: Number(row['pid']),
      user: text(row['user']),
      database: text(row['database']),
      application: text(row['application']),
      state: text(row['state']),
      age: Number(row['age']),
    })),
    prepared: of('prepared').map((row) => ({ gid: text(row['gid']), database: text(row['database']), age: Number(row['age']) })),
    ...(oldest === undefined ? {} : { oldest: { database: text(oldest['database']), transactions: Number(oldest['transactions']) } }),
    collations: of('collation').map((row) => ({
      database: text(row['database']),
      recorded: text(row['recorded']),
      actual: text(row['actual']),
    })),
    clients: of('client').map((row) => ({
      user: text(row['user']),
      database: text(row['database']),
      application: text(row['application']),
      state: text(row['state']),
      count: Number(row['count']),
    })),
    ahead: of('ahead').map((row) => ({ name: text(row['name']), position: text(row['position']), own: text(row['own']) })),
  };
}

function given<Name extends string>(name: Name, value: unknown): { [Key in Name]?: number } {
  return typeof value === 'number' ? ({ [name]: value } as { [Key in Name]?: number }) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
