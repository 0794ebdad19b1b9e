import { sh, type Script } from '../shell/quote.js';
import { digestOf } from './resource.js';
import type { SharedQuestion } from './shared-question.js';

/** How to reach the host's own server as the operating-system user that owns it. */
export interface LocalServer {
  binDirectory: string;
  /** Directory of the Unix socket. */
  socketDirectory: string;
  port: number;
  /** Operating-system user, `postgres`. */
  user: string;
  home: string;
}

/** Runs a command as the database's user, with its HOME; stdin is empty. */
export function asDatabaseUser(server: Pick<LocalServer, 'user' | 'home'>, command: Script): Script {
  return sh`runuser -u ${server.user} -- env ${`HOME=${server.home}`} ${command}`;
}

/** psql on the local socket: no startup file, tuples only, stops at the first error, never prompts. */
export function psql(server: LocalServer, extra: readonly string[]): Script {
  return asDatabaseUser(
    server,
    sh`${`${server.binDirectory}/psql`} ${['-XAtqw', '-v', 'ON_ERROR_STOP=1', '-h', server.socketDirectory, '-p', server.port, '-d', 'postgres', ...extra]}`,
  );
}

/** SQL text sent on psql's standard input, so that what it holds shows in no process list. */
export function psqlInput(server: LocalServer, sql: string): Script {
  return sh`printf '%s\n' ${sql} | ${psql(server, ['-f', '-'])}`;
}

/** Asks the local server queries, all over one connection; nothing is answered while it is down. */
export function sqlQuestion(server: LocalServer, ...queries: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_sql',
    subjects: queries,
    // A query that fails must not keep the others from being answered.
    ask: (all) => sh`[ ! -x ${`${server.binDirectory}/psql`} ] || ${psqlInput(server, ['\\set ON_ERROR_STOP 0', ...all.map((query) => `\\echo ${markOf(query)}\n${query};`)].join('\n'))} 2>/dev/null || :`,
  };
}

/** Finds the rows of a query in the answers to all of them; undefined while the server is down. */
export function findRows(text: string, query: string): string[] | undefined {
  const lines = text.split('\n');
  const at = lines.indexOf(markOf(query));
  if (at < 0) return undefined;
  const next = lines.findIndex((line, index) => index > at && line.startsWith(MARK));
  return lines.slice(at + 1, next < 0 ? undefined : next).filter((line) => line !== '');
}

const MARK = '@pgprov-';

function markOf(query: string): string {
  return `${MARK}${digestOf(query).slice(0, 16)}`;
}

/** A literal that reads back as exactly `value`, whatever standard_conforming_strings says. */
export function sqlLiteral(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return value.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** A quoted identifier. */
export function sqlIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
