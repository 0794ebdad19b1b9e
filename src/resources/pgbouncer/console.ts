import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';

/** How to reach the console of the host's own PgBouncer. */
export interface PoolerConsole {
  /** Paths of psql, the preferred first: one of another major version serves as well, where that of the inventory's is still to be installed. */
  psql: readonly string[];
  /** The operating-system user that PgBouncer runs as: over its socket it lets this one into its console without a password. */
  user: string;
  /** Directory of its Unix socket. */
  socketDirectory: string;
  port: number;
}

/** Seconds that the console gets to answer; it does so at once, whatever its servers do. */
const WITHIN = 5;

/**
 * psql on the console, as a command that more words may follow: with the names of columns, fields parted by `|`, and the text of commands on its
 * input where there is no `-c`.
 */
export function consoleCommand(console: PoolerConsole): Script {
  const { user, socketDirectory, port } = console;
  const words = ['-XAqw', '-F', '|', '-P', 'footer=off', '-v', 'ON_ERROR_STOP=1', '-h', socketDirectory, '-p', port, '-U', 'pgbouncer'];
  return sh`runuser -u ${user} -- ${psqlOf(console)} ${words} -d pgbouncer`;
}

/** The first psql that is there, as one word of a command; empty where there is none. */
export function psqlOf({ psql }: Pick<PoolerConsole, 'psql'>): Script {
  return sh`"$(for each in ${psql}; do [ ! -x "$each" ] || { echo "$each"; break; }; done)"`;
}

/** One command on the console, whose answer is printed. */
export function onConsole(console: PoolerConsole, command: string): Script {
  return sh`timeout -k 1 ${seconds(WITHIN)} ${consoleCommand(console)} -c ${command}`;
}

/** What begins each table of an answer to several commands. */
const MARK = '@pgprov-';

/** Several tables of the console, each after a line with its mark; nothing where PgBouncer does not answer. */
export function consoleTables(console: PoolerConsole, names: readonly string[]): Script {
  const input = names.map((name) => `\\echo ${MARK}${name}\nSHOW ${name};`).join('\n');
  return sh`printf '%s\n' ${input} | timeout -k 1 ${seconds(WITHIN)} ${consoleCommand(console)} -f - 2>/dev/null || :`;
}

/** Rows of a table by the names of its columns; undefined where it was not answered. */
export function readTable(text: string, name: string): Record<string, string>[] | undefined {
  const lines = text.split('\n');
  const at = lines.indexOf(`${MARK}${name}`);
  if (at < 0) return undefined;
  const next = lines.findIndex((line, index) => index > at && line.startsWith(MARK));
  const [head, ...rows] = lines.slice(at + 1, next < 0 ? undefined : next).filter((line) => line !== '');
  if (head === undefined) return undefined;
  const columns = head.split('|');
  return rows.map((row) => Object.fromEntries(row.split('|').map((field, index) => [columns[index] ?? '', field])));
}
