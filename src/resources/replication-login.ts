import { joinScripts, sh } from '../shell/quote.js';
import { asDatabaseUser, type LocalServer } from './psql.js';
import { answerLines, type Observation } from './resource.js';

/** The outcome of one real login over the replication protocol. */
export interface ReplicationLogin {
  address: string;
  /** System identifier the server named; undefined when the login failed. */
  systemIdentifier: string | undefined;
  /** The server's words when it failed. */
  error: string | undefined;
}

/** The observation's id. */
export const REPLICATION_LOGIN = 'replication-login';

/** Logs in to every member as the replication role, with nothing but the .pgpass of the database's user. */
export function replicationLogin(options: {
  server: LocalServer;
  role: string;
  passwordFile: string;
  members: readonly { address: string; port: number }[];
}): Observation<ReplicationLogin[]> {
  const { server, role, passwordFile, members } = options;
  return {
    id: REPLICATION_LOGIN,
    probe: () => joinScripts([
      sh`psql=${`${server.binDirectory}/psql`}
[ -x "$psql" ] || exit 0
login() {
answer=$(${asDatabaseUser(server, sh`${[`PGPASSFILE=${passwordFile}`, 'PGCONNECT_TIMEOUT=3']} "$psql" -XAtw -d "host=$1 port=$2 dbname=replication replication=true user="${conninfoValue(role)} -c IDENTIFY_SYSTEM`)} 2>&1)
printf '%s\t%s\t%s\n' "$1" "$?" "$(printf %s "$answer" | tr '\n\t' '  ')"
}`,
      ...members.map(({ address, port }) => sh`login ${address} ${port} &`),
      sh`wait`,
    ]),
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const [address = '', status, words = ''] = line.split('\t');
        return status === '0'
          ? { address, systemIdentifier: words.split('|')[0] ?? '', error: undefined }
          : { address, systemIdentifier: undefined, error: words.trim() };
      }),
  };
}

/** A value inside a libpq connection string. */
function conninfoValue(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
