import { sh, type Script } from '../shell/quote.js';

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

/** A literal that reads back as exactly `value`, whatever standard_conforming_strings says. */
export function sqlLiteral(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return value.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** A quoted identifier. */
export function sqlIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
