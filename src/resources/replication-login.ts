import { handle } from './handle.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, sh } from '../shell/quote.js';
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

/** Seconds to wait for a server at first, and again for one that takes connections and is only slow. A look has no time for more. */
const PATIENCE = [3, 5] as const;

/** The same as a word, for a host of any patience. */
const LIMITS = sh`"${joinScripts(PATIENCE.map(seconds), ' ')}"`;

/** A server to log in to. */
interface Member {
  address: string;
  port: number;
}

/**
 * psql's path is its zeroth word, the quoted role the first, the seconds of its tries the second, addresses and ports follow. The kernel
 * takes a connection also where the server is too busy to answer it; who takes none is away, or behind a firewall.
 */
const LOGINS = sh`login() {
for limit in $limits; do
answer=$(PGCONNECT_TIMEOUT=$limit "$0" -XAtw -d "host=$2 port=$3 dbname=replication replication=true user=$1" -c IDENTIFY_SYSTEM 2>&1)
status=$?
case "$status:$answer" in
0:*) break ;;
*'timeout expired'*) timeout "$limit" bash -c ': <"/dev/tcp/$0/$1"' "$2" "$3" 2>/dev/null || break ;;
*) break ;;
esac
done
printf '%s\t%s\t%s\n' "$2" "$status" "$(printf %s "$answer" | tr '\n\t' '  ')"
}
role=$1
limits=$2
shift 2
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
${asDatabaseUser(server, sh`${[`PGPASSFILE=${passwordFile}`]} sh -c ${LOGINS.text} "$psql" ${conninfoValue(role)} ${LIMITS} ${members.flatMap(({ address, port }) => [address, port])}`)}`;
  const account = { dbname: 'replication', replication: 'true', user: role, passfile: passwordFile, connect_timeout: PATIENCE[0] };
  const parameters = { host: next.address, port: next.port, ...account };
  const query = elsewhere({ binDirectory: server.binDirectory, parameters, within: PATIENCE[0] }, 'IDENTIFY_SYSTEM');
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
