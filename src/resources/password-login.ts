import { handle } from './handle.js';
import { clearScratch, scratchDirectory } from './scratch.js';
import { seconds } from '../shell/patience.js';
import { sh } from '../shell/quote.js';
import { curlCredentials } from './patroni/rest.js';
import { escapeField } from './pgpass.js';
import { asDatabaseUser, type LocalServer } from './psql.js';
import { answerLines, type Observation } from './resource.js';

/** One fresh login with a password. */
export interface PasswordLogin {
  /** Where to: `10.0.0.11:5432`, or the URL of a REST API. */
  to: string;
  password: 'new' | 'former';
  outcome: 'accepted' | 'refused' | 'failed';
  /** What was said when it was not accepted. */
  words: string;
}

/** The passwords that are tried. */
export interface TriedPasswords {
  password: { reveal(): string };
  former: { reveal(): string };
}

/** The observation's id. */
export const PASSWORD_LOGIN = handle<PasswordLogin[]>('password-login');

/** psql's path is its zeroth word; the quoted role, the database's part of the connection string, addresses and ports follow. */
const LOGINS = sh`login() {
answer=$("$0" -XAtw -d "host=$3 port=$4 user=$1 $2" -c "$query" 2>&1)
status=$?
printf '%s\t%s\t%s\t%s\n' "$password" "$3:$4" "$status" "$(printf %s "$answer" | tr '\n\t' '  ')"
}
role=$1
database=$2
shift 2
while [ "$#" -gt 1 ]; do
login "$role" "$database" "$1" "$2" &
shift 2
done
wait`;

/** Logs in to servers, or to PgBouncer, over the network as a role, with either password; `replication`: over the replication protocol. */
export function databaseLogins(
  options: TriedPasswords & {
    server: Pick<LocalServer, 'binDirectory' | 'user' | 'home'> & Partial<LocalServer>;
    role: string;
    replication: boolean;
    members: readonly { address: string; port: number }[];
  },
): Observation<PasswordLogin[]> {
  const { server, role, replication, members, password, former } = options;
  const line = (secret: { reveal(): string }): string => `*:*:*:*:${escapeField(secret.reveal())}`;
  const [database, query] = replication ? ['dbname=replication replication=true', 'IDENTIFY_SYSTEM'] : ['dbname=postgres', 'SELECT 1'];
  const tried = (which: PasswordLogin['password']): ReturnType<typeof sh> =>
    asDatabaseUser(
      server,
      sh`"PGPASSFILE=$scratch/"${which} ${[`password=${which}`, `query=${query}`]} PGCONNECT_TIMEOUT=${seconds(15)} sh -c ${LOGINS.text} ${`${server.binDirectory}/psql`} ${`'${role.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`} ${database} ${members.flatMap(({ address, port }) => [address, port])}`,
    );
  return {
    ...PASSWORD_LOGIN,
    probe: () => sh`umask 077
${clearScratch('proof')}
${scratchDirectory('proof')}
printf '%s\n' ${line(password)} >"$scratch/new"
printf '%s\n' ${line(former)} >"$scratch/former"
chown -R ${server.user} "$scratch"
${tried('new')}
${tried('former')}`,
    parse: (answer) => answerLines(answer).map(parseLogin),
  };
}

function parseLogin(line: string): PasswordLogin {
  const [password = '', to = '', status, words = ''] = line.split('\t');
  const outcome = status === '0' ? 'accepted' : /(?:password|SASL) authentication failed/u.test(words) ? 'refused' : 'failed';
  return { to, password: password === 'new' ? 'new' : 'former', outcome, words: status === '0' ? '' : words.trim() };
}

/** Asks members' REST APIs for something that only those who know the password may have, and that changes nothing. */
export function restLogins({
  urls,
  user,
  password,
  former,
}: TriedPasswords & { urls: readonly string[]; user: string }): Observation<PasswordLogin[]> {
  const tried = (which: PasswordLogin['password'], secret: { reveal(): string }): ReturnType<typeof sh> =>
    sh`printf '%s\t%s\t%s\n' ${which} "$url" "$(printf '%s\n' ${curlCredentials({ user, password: secret })} | curl -s --connect-timeout 5 -m ${seconds(20)} -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null -w '%{http_code}' "$url/config")"`;
  return {
    ...PASSWORD_LOGIN,
    probe: () => sh`for url in ${urls}; do
${tried('new', password)}
${tried('former', former)}
done`,
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const [which, to = '', code = ''] = line.split('\t');
        const outcome = code === '200' ? 'accepted' : code === '401' ? 'refused' : 'failed';
        return { to, password: which === 'new' ? 'new' : 'former', outcome, words: outcome === 'accepted' ? '' : `it answers ${code}` };
      }),
  };
}
