import { seconds } from '../shell/patience.js';
import { Script, sh } from '../shell/quote.js';
import { digestOf } from './resource.js';
import { type SharedQuestion, withSharedBlock } from './shared-question.js';

/** How to reach the host's own server as the operating-system user that owns it. */
export interface LocalServer {
  binDirectory: string;
  /** Directory of the Unix socket. */
  socketDirectory: string;
  port: number;
  /** Operating-system user, `postgres`. */
  user: string;
  home: string;
  /** The superuser that commands work as; default: the one that is called like the operating-system user. */
  superuser?: string;
  /** Transactions are read-only there unless they are told otherwise, and these are. */
  readWrite?: true;
}

/** Runs a command as the database's user, with its HOME; stdin is empty. */
export function asDatabaseUser(server: Pick<LocalServer, 'user' | 'home'>, command: Script): Script {
  return sh`runuser -u ${server.user} -- env ${`HOME=${server.home}`} ${command}`;
}

/** Options of libpq's programs for the local socket. */
export function socketOptions({ socketDirectory, port, superuser }: LocalServer): (string | number)[] {
  return ['-h', socketDirectory, '-p', port, ...(superuser === undefined ? [] : ['-U', superuser])];
}

/** psql on the local socket: no startup file, tuples only, stops at the first error, never prompts. */
export function psql(server: LocalServer, extra: readonly string[]): Script {
  return asDatabaseUser(
    server,
    sh`${`${server.binDirectory}/psql`} ${['-XAtqw', '-v', 'ON_ERROR_STOP=1', ...socketOptions(server), '-d', inPostgres(server), ...extra]}`,
  );
}

function inPostgres({ readWrite }: LocalServer): string {
  return readWrite === true ? `dbname=postgres options=${READ_WRITE}` : 'postgres';
}

/** What a connection is given where transactions are read-only by default. */
export const READ_WRITE = '-cdefault_transaction_read_only=off';

/** SQL text sent on psql's standard input, so that what it holds shows in no process list; `limit` stands before psql, default nothing. */
export function psqlInput(server: LocalServer, sql: string, limit: Script = sh``): Script {
  return sh`printf '%s\n' ${sql} | ${limit}${psql(server, ['-f', '-'])}`;
}

/**
 * Seconds that psql gets where it also connects to another server, which may stop answering at that moment. What the local one has answered is
 * printed by then.
 */
const ELSEWHERE_WITHIN = 15;

/** Asks the local server queries, all over one connection; nothing is answered while it is down. */
export function sqlQuestion(server: LocalServer, ...queries: readonly string[]): SharedQuestion {
  return {
    // Another server than the host's own gives answers of its own.
    variable: server.readWrite === true ? 'pgprov_sql_private' : 'pgprov_sql',
    subjects: queries,
    ask: (all) => {
      // A query that connects elsewhere takes psql with it, or ends it.
      const ordered = [...all.filter((query) => !query.startsWith(ELSEWHERE)), ...all.filter((query) => query.startsWith(ELSEWHERE))];
      // A query that fails must not keep the others from being answered.
      const lines = ['\\set ON_ERROR_STOP 0', ...ordered.map((query) => `\\echo ${markOf(query)}\n${query};`)];
      const limit = all.some((query) => query.startsWith(ELSEWHERE)) ? sh`timeout -k 1 ${seconds(ELSEWHERE_WITHIN)} ` : sh``;
      const input = lines.join('\n');
      const asked = server.superuser === undefined ? psqlInput(server, input, limit) : asWhoIsThere(server, input, limit);
      return sh`[ ! -x ${`${server.binDirectory}/psql`} ] || ${asked} 2>/dev/null || :`;
    },
  };
}

/** As the superuser, or where there is none of that name as the server's owner: whoever was given another name on a cluster that has one. */
function asWhoIsThere(server: LocalServer, input: string, limit: Script): Script {
  const { superuser: _other, ...owner } = server;
  return sh`{ answers=$(${psqlInput(server, input, limit)}) || :; [ -n "$answers" ] || answers=$(${psqlInput(owner, input, limit)}) || :; printf '%s\n' "$answers"; }`;
}

/** Another server that a query is put to. */
export interface OtherServer {
  /** Whose `pg_isready` finds out whether the server answers. */
  binDirectory: string;
  /** Those of libpq. */
  parameters: Readonly<Record<string, string | number>>;
  /** Seconds in which it has to answer. */
  within: number;
}

/**
 * A query for `sqlQuestion` that is put to another server; psql asks only one such. A server that does not answer is not connected to:
 * psql's command connect heeds no `connect_timeout` (seen with 17), and waits for ever for one that takes connections and says nothing.
 */
export function elsewhere({ binDirectory, parameters, within }: OtherServer, query: string): string {
  // A URI, because psql takes double quotes out of other connection strings, however they are quoted.
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${percentEncode(String(value))}`);
  const uri = `postgresql:///?${words.join('&')}`;
  const answers = sh`${`${binDirectory}/pg_isready`} -q -t ${within} -d ${uri} </dev/null >/dev/null 2>&1 && echo 1 || echo 0`;
  return `${ELSEWHERE}\`${answers.text}\`\n\\connect -reuse-previous=off ${uri}\n${query};\n\\endif\n`;
}

/** Every byte but those of ordinary words as %XX. */
function percentEncode(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[^\w.-]/gu, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Sets `$row` to the first row that the server answered to a query of `sqlQuestion`, '' where there is none. */
export function firstRow(server: LocalServer, query: string): Script {
  const row = Script.build(`row=\${block%%"$pgprov_nl"*}`);
  return withSharedBlock(
    sqlQuestion(server, query),
    markOf(query),
    sh`${row}
case "$row" in ${MARK}*) row= ;; esac`,
    sh`row=`,
  );
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

const ELSEWHERE = '\\if ';

function markOf(query: string): string {
  return `${MARK}${digestOf(query).slice(0, 16)}`;
}

/** A literal that reads back as exactly `value`, whatever standard_conforming_strings says. */
export function sqlLiteral(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return value.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** A value in a connection string of libpq, whatever stands in it. */
export function libpqQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A quoted identifier. */
export function sqlIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
