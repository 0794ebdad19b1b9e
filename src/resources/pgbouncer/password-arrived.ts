import type { Secret } from '../../lib/secret.js';
import { SEE_CALLED_OFF } from '../../shell/call-off.js';
import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { handle, type Handle } from '../handle.js';
import { escapeField } from '../pgpass.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { psqlOf, type PoolerConsole } from './console.js';
import { poolReleased } from './paused.js';

/** How a PgBouncer waits for the new password of the role that it asks for others' passwords as. */
export interface PasswordArrivedOptions {
  console: PoolerConsole;
  /** The pool that is held up meanwhile, and goes on where the password does not come. */
  pool: string;
  role: string;
  password: Secret;
  /** Where its servers are, in the order in which they are tried. */
  addresses: readonly string[];
  port: number;
}

/** Whether PostgreSQL takes the new password of PgBouncer's role. On the host of the server that takes writes the role itself stands here. */
export const POOLER_ROLE: Handle<{ accepted: boolean }> = handle('pgbouncer-role');

/** Seconds in which PostgreSQL is to take the new password; enough for every host to be sent its script. */
const ARRIVAL_TIMEOUT = 30;

/** PostgreSQL takes the new password of PgBouncer's role: the leader's host gives it that, and this one waits. */
export function passwordArrived(options: PasswordArrivedOptions): Resource<{ accepted: boolean }> {
  const { console, pool, role } = options;
  return {
    ...POOLER_ROLE,
    probe: () => sh`${withPassword(options)}
${login(options)} && echo accepted || :`,
    parse: (answer) => ({ accepted: answerText(answer).includes('accepted') }),
    diff: ({ accepted }): Change[] =>
      accepted ? [] : [{ action: 'update', summary: `take over the new password of role ${role}`, coordinated: 'waits' }],
    apply: () => sh`${withPassword(options)}
end=$(($(date +%s) + ${seconds(ARRIVAL_TIMEOUT)}))
until ${login(options)}; do
${SEE_CALLED_OFF}
[ -n "$off" ] || [ "$(date +%s)" -lt "$end" ] || off=${`PostgreSQL did not take it within ${ARRIVAL_TIMEOUT} s`}
if [ -n "$off" ]; then
${poolReleased(console, pool)}
echo "the new password is not waited for any longer: $off"
exit 1
fi
sleep 0.2
done`,
    digest: () => digestOf(POOLER_ROLE.id, role),
  };
}

function withPassword({ console: { user }, password }: PasswordArrivedOptions): Script {
  return sh`umask 077
${clearScratch('pool-role')}
${scratchDirectory('pool-role')}
printf '%s\n' ${`*:*:*:*:${escapeField(password.reveal())}`} >"$scratch/pass"
chown -R ${user} "$scratch"`;
}

/** A fresh login past PgBouncer, as a command. */
function login({ console, role, addresses, port }: PasswordArrivedOptions): Script {
  return sh`timeout -k 1 ${seconds(8)} runuser -u ${console.user} -- env "PGPASSFILE=$scratch/pass" PGCONNECT_TIMEOUT=5 ${psqlOf(console)} -XAtqw -h ${addresses.join(',')} -p ${port} -U ${role} -d postgres -c 'SELECT 1' >/dev/null 2>&1`;
}
