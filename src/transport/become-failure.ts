import { type PgprovError, UnreachableError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import type { ExecEnd, Target } from './transport.js';

interface Reason {
  kind: string;
  /** Recognised on stderr, in English. */
  pattern: RegExp;
  what: string;
  hint: string;
}

// Worded by sudo 1.8 (Rocky 8) to 1.9.16 (Debian 13), which we run with LC_ALL=C. The order matters: after a wrong
// password sudo also says that none was provided.
const SUDO_REASONS: readonly Reason[] = [
  {
    kind: 'become/sudo-missing',
    pattern: /^(?=.*\bsudo\b)(?:.*(?:command )?not found|.*\benv: .*(?:no such file|can't execute))/imu,
    what: 'sudo is not installed',
    hint: 'install sudo on the host, or connect as root and set become to none',
  },
  {
    kind: 'become/tty-required',
    // After sudo's refusal the exec is done again under script(1), so the words are mostly those of a shell without it.
    pattern: /must have a tty to run sudo|\bexec: \S*(?:script|setsid): |^script: /imu,
    what: 'sudo requires a terminal (requiretty), and the script command that makes one is missing or does not work',
    hint: 'install the script command on the host (part of util-linux), or add `Defaults:USER !requiretty` to its sudoers, with USER being the login user',
  },
  {
    kind: 'become/not-allowed',
    pattern: /not in the sudoers file|is not allowed to (?:run sudo|execute)|may not run sudo/iu,
    what: 'sudo does not let this user become root',
    hint: 'let the user run any command as root in the sudoers of the host, or log in as another user',
  },
  {
    kind: 'become/wrong-password',
    pattern: /incorrect password attempt|sorry, try again/iu,
    what: 'sudo did not accept the password',
    hint: 'correct the become password in the inventory',
  },
  {
    kind: 'become/password-required',
    pattern: /a password is required|interactive authentication is required|no password was provided|a terminal is required to/iu,
    what: 'sudo asks for a password and none was given',
    hint: 'give the become password in the inventory, or let the user run sudo with NOPASSWD; --ask-become-pass (-K) asks for it',
  },
];

// OpenDoas 6.8, whose words are English whatever the locale.
const DOAS_REASONS: readonly Reason[] = [
  {
    kind: 'become/doas-missing',
    pattern: /^(?=.*\bdoas\b)(?:.*(?:command )?not found|.*\benv: .*(?:no such file|can't execute))/imu,
    what: 'doas is not installed',
    hint: 'install doas on the host (the package is called opendoas on Debian), or set become to sudo',
  },
  {
    kind: 'become/password-required',
    pattern: /^doas: (?:authentication|authorization) required/imu,
    what: 'doas asks for a password, which it takes only from a terminal',
    hint: 'let the rule in the host’s doas.conf say nopass: permit nopass USER as root',
  },
  {
    kind: 'become/not-allowed',
    pattern: /^doas: operation not permitted/imu,
    what: 'doas does not let this user become root',
    hint: 'add a rule to the host’s doas.conf: permit nopass USER as root',
  },
  {
    kind: 'become/failed',
    pattern: /^doas: .*doas\.conf/imu,
    what: 'doas has no usable configuration',
    hint: 'write /etc/doas.conf on the host, owned by root and writable by nobody else: permit nopass USER as root',
  },
];

/**
 * Explains an exec that gave no answer because no root shell came up; undefined when something else went wrong.
 * Only for an exec without a single answer frame, because a script may well print what sudo prints.
 */
export function explainBecomeFailure(end: ExecEnd, target: Target): PgprovError | undefined {
  if (target.become.method === 'none' || end.code === 0) return undefined;
  const who = `${target.user} on ${target.name}`;
  const { method } = target.become;
  const reason = (method === 'doas' ? DOAS_REASONS : SUDO_REASONS).find(({ pattern }) => pattern.test(end.stderr));
  if (reason !== undefined) {
    return new UnreachableError({
      kind: reason.kind,
      message: `cannot become root as ${who}: ${reason.what}`,
      hint: reason.hint,
      host: target.name,
    });
  }
  const words = end.stderr.split('\n').filter((line) => line.startsWith(`${method}: `));
  if (words.length === 0) return undefined;
  return new UnreachableError({
    kind: 'become/failed',
    message: `cannot become root as ${who}: ${redact(words.join('; '))}`,
    hint: `log in as this user, run \`${method} -n true\` and see what ${method} wants`,
    host: target.name,
  });
}
