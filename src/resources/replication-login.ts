import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { asDatabaseUser, elsewhere, firstRow, type LocalServer, sqlQuestion } from './psql.js';
import { answerLines, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';
import { sideBySide } from './side-by-side.js';

/** The outcome of one real login over the replication protocol. */
export interface ReplicationLogin {
  address: string;
  /** System identifier the server named; undefined when the login failed. */
  systemIdentifier: string | undefined;
  /** The server's words when it failed. */
  error: string | undefined;
}

/** The observation's id. */
export const REPLICATION_LOGIN = handle<ReplicationLogin[]>('replication-login');

/** Seconds to wait for a server. */
const PATIENCE = 3;

/** A server to log in to. */
interface Member {
  address: string;
  port: number;
}

/** psql's path is its zeroth word, the quoted role the first, addresses and ports follow. */
const LOGINS = sh`login() {
answer=$("$0" -XAtw -d "host=$2 port=$3 dbname=replication replication=true user=$1" -c IDENTIFY_SYSTEM 2>&1)
status=$?
printf '%s\t%s\t%s\n' "$2" "$status" "$(printf %s "$answer" | tr '\n\t' '  ')"
}
role=$1
shift
while [ "$#" -gt 1 ]; do
login "$role" "$1" "$2" &
shift 2
done
wait`;

/**
 * Logs in to members as the replication role, with nothing but the .pgpass of the database's user: thoroughly to every one,
 * else to the `next` alone, in the run of psql that asks the host's own server; to every one where that fails.
 */
export function replicationLogin(options: {
  server: LocalServer;
  role: string;
  passwordFile: string;
  members: readonly Member[];
  next: Member;
}): Observation<ReplicationLogin[]> {
  const { server, role, passwordFile, members, next } = options;
  const toAll = sh`psql=${`${server.binDirectory}/psql`}
[ -x "$psql" ] || exit 0
${asDatabaseUser(server, sh`${[`PGPASSFILE=${passwordFile}`, `PGCONNECT_TIMEOUT=${PATIENCE}`]} sh -c ${LOGINS.text} "$psql" ${conninfoValue(role)} ${members.flatMap(({ address, port }) => [address, port])}`)}`;
  const account = { dbname: 'replication', replication: 'true', user: role, passfile: passwordFile, connect_timeout: PATIENCE };
  const query = elsewhere({ host: next.address, port: next.port, ...account }, 'IDENTIFY_SYSTEM');
  const question = sideBySide(toAll);
  const thorough: Observation<ReplicationLogin[]> = {
    ...REPLICATION_LOGIN,
    when: 'startAndEnd',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const [address = '', status, words = ''] = line.split('\t');
        return status === '0'
          ? { address, systemIdentifier: words.split('|')[0] ?? '', error: undefined }
          : { address, systemIdentifier: undefined, error: words.trim() };
      }),
  };
  return {
    ...thorough,
    sharedQuestions: [sqlQuestion(server, query)],
    probe: () => sh`${firstRow(server, query)}
if [ -n "$row" ]; then
printf '%s\t0\t%s\n' ${next.address} "$row"
exit 0
fi
${toAll}`,
    thorough,
  };
}

/** A value inside a libpq connection string. */
function conninfoValue(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
