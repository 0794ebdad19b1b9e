import type { Secret } from '../../lib/secret.js';
import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { escapeField } from '../pgpass.js';
import { answerText, type Observation } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { onConsole, psqlOf, type PoolerConsole } from './console.js';
import { LOOKUP_QUERY } from './lookup.js';

/** Where a login through the host's PgBouncer led. */
export interface PoolerLogin {
  /** The address on which PostgreSQL took the connection; undefined: nobody was let in. */
  address: string | undefined;
  /** It led to a standby. */
  standby?: true;
  /** What was said where it did not come about. */
  error?: string;
}

/** What came of a login through the host's PgBouncer. */
export const POOLER_LOGIN = handle<PoolerLogin>('pgbouncer-login');

/** Seconds that such a login may take; that of a server which is just not there is waited for by PgBouncer. */
const WITHIN = 8;

/**
 * Logs in through the host's PgBouncer as its own role, and asks for a password as PgBouncer does; not where psql is missing, or where the pools are
 * paused and the login would wait.
 */
export function poolerLogin(options: { console: PoolerConsole; role: string; password: Secret }): Observation<PoolerLogin> {
  const {
    console: { user, port },
    role,
    password,
  } = options;
  const lookup = LOOKUP_QUERY.replace('$1', "''");
  const query = `SELECT host(inet_server_addr()), pg_is_in_recovery() FROM (SELECT count(*) FROM (${lookup}) AS asked) AS counted`;
  return {
    ...POOLER_LOGIN,
    when: 'startAndEnd',
    probe: () => sh`psql=${psqlOf(options.console)}
[ -n "$psql" ] || exit 0
case "$(${onConsole(options.console, 'SHOW STATE')} 2>/dev/null)" in *'paused|yes'*) exit 0 ;; esac
umask 077
${clearScratch('pool')}
${scratchDirectory('pool')}
printf '%s\n' ${`*:*:*:*:${escapeField(password.reveal())}`} >"$scratch/pass"
chown -R ${user} "$scratch"
timeout -k 1 ${seconds(WITHIN)} runuser -u ${user} -- env "PGPASSFILE=$scratch/pass" "$psql" -XAtqw -F '|' -h 127.0.0.1 -p ${port} -U ${role} -d postgres -c ${query} 2>&1 || echo "!$?"`,
    parse: (answer) => {
      const lines = answerText(answer)
        .split('\n')
        .filter((line) => line !== '');
      const status = lines.at(-1) ?? '';
      if (!status.startsWith('!')) {
        const [address = '', recovery] = status.split('|');
        return { address: address || undefined, ...(recovery === 't' ? { standby: true as const } : {}) };
      }
      const words = lines.slice(0, -1).join(' ');
      return { address: undefined, error: words === '' ? `it gave no answer within ${WITHIN} s` : words };
    },
  };
}
