import { handle } from '../handle.js';
import { answerText, type Observation } from '../resource.js';
import { consoleTables, readTable, type PoolerConsole } from './console.js';

/** A pool as PgBouncer sees it: the connections of one role to one database. */
export interface Pool {
  database: string;
  user: string;
  mode: string;
  /** Clients that have a server connection, or need none just now. */
  active: number;
  /** Clients that wait for a server connection. */
  waiting: number;
  /** Server connections, those that are being made included. */
  servers: number;
  /** Server connections that a client has at the moment. */
  busy: number;
}

/** What a PgBouncer says of itself on its console. */
export interface PoolerState {
  answers: boolean;
  /** Its settings by name. */
  settings: ReadonlyMap<string, string>;
  pools: readonly Pool[];
  /** All pools, or those of the databases named, hold their clients up until somebody resumes them. */
  paused: readonly string[] | 'all' | undefined;
}

/** What is seen of the host's PgBouncer. */
export const POOLER = handle<PoolerState>('pgbouncer');

/** The tables of the console that tell its state. */
export const POOLER_TABLES = ['CONFIG', 'DATABASES', 'POOLS', 'STATE'];

/** PgBouncer's own database, which is its console. */
const CONSOLE = 'pgbouncer';

/** What the console of a PgBouncer tells. */
export function pooler(console: PoolerConsole): Observation<PoolerState> {
  return {
    ...POOLER,
    probe: () => consoleTables(console, POOLER_TABLES),
    parse: (answer) => readPooler(answerText(answer)),
  };
}

/** Reads the tables of PgBouncer's console (its manual, "Admin console"); columns differ between its versions, and go by their names. */
export function readPooler(text: string): PoolerState {
  const [settings, databases, pools, state] = POOLER_TABLES.map((name) => readTable(text, name));
  if (settings === undefined) return { answers: false, settings: new Map(), pools: [], paused: undefined };
  return {
    answers: true,
    settings: new Map(settings.map(({ key = '', value = '' }) => [key, value])),
    pools: (pools ?? []).flatMap((row) => (row['database'] === CONSOLE ? [] : [poolOf(row)])),
    paused: pausedIn(databases ?? [], state ?? []),
  };
}

function poolOf(row: Readonly<Record<string, string>>): Pool {
  const count = (...names: readonly string[]): number => names.reduce((sum, name) => sum + Number(row[name] ?? 0), 0);
  return {
    database: row['database'] ?? '',
    user: row['user'] ?? '',
    mode: row['pool_mode'] ?? '',
    active: count('cl_active'),
    waiting: count('cl_waiting'),
    servers: count('sv_active', 'sv_idle', 'sv_used', 'sv_tested', 'sv_login'),
    busy: count('sv_active', 'sv_tested', 'sv_login'),
  };
}

function pausedIn(databases: readonly Record<string, string>[], state: readonly Record<string, string>[]): PoolerState['paused'] {
  if (state.some(({ key, value }) => key === 'paused' && value === 'yes')) return 'all';
  const names = databases.flatMap(({ name = '', paused }) => (paused === '1' ? [name] : []));
  return names.length === 0 ? undefined : names;
}
