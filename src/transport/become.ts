import { underTerminal } from './terminal.js';
import type { Become } from './transport.js';

/** How sudo is told its password, and how we learn that it let us in. */
export interface PasswordDialogue {
  /** What goes to stdin first, newline included. Secret. */
  passwordLine: string;
  /** What sudo writes to stderr whenever it wants a password; its second coming means the first was wrong. */
  prompt: string;
  /** The line the root shell writes to stdout once it runs. */
  ready: string;
  /** The line that makes the root shell read the script; everything before it is thrown away unread. */
  go: string;
}

/** A command that any login shell (sh, csh, fish) turns into a root shell reading its script from stdin. */
export interface RootShell {
  command: string;
  /** Absent: the script may be sent at once. */
  dialogue?: PasswordDialogue;
}

// No newline, back-slash or exclamation mark in here: csh and fish would read those even inside single quotes.
// `read` takes bytes one at a time, so the `sh` that follows starts exactly after the line.
function waitForGo(marker: string, shell: string): string {
  return `echo ${marker}; while IFS= read -r l; do if [ "$l" = ${marker} ]; then exec ${shell}; fi; done; exit 1`;
}

// A program that finds a terminal asks for its password there and waits for ever, and what a step leaves working would be
// hung up on with it. `-w` makes setsid wait where sudo made it a process group leader (use_pty) and it has to fork.
const SHELL_WITHOUT_TERMINAL = 'setsid -w sh';

/**
 * How to become root on a host.
 *
 * With a password the script must not be sent along with it: after a wrong one sudo reads the next lines of stdin as
 * further guesses, which puts script text in the hands of PAM and makes three failures of one, enough for
 * pam_faillock to lock the account. So the root shell first says that it is there. A password that sudo did not ask
 * for (NOPASSWD, cached) is skipped by the root shell, never run.
 *
 * @param nonce letters and digits only, new for each exec; not a secret
 * @param terminal sudo is given a controlling terminal; the root shell has none either way
 */
export function becomeRoot(become: Become, nonce: string, terminal = false): RootShell {
  if (!/^[A-Za-z0-9]+$/u.test(nonce)) throw new RangeError('a nonce is letters and digits only');
  if (become.method === 'none') return { command: 'sh' };
  if (become.method === 'doas') return { command: 'env LC_ALL=C doas -n sh' };
  // LC_ALL=C through env, because csh and fish have no `VAR=value command`; it lets `explainBecomeFailure` read sudo's words.
  if (become.password === undefined) {
    if (terminal) return { command: underTerminal('sudo -n -H', `exec ${SHELL_WITHOUT_TERMINAL}`) };
    return { command: 'env LC_ALL=C sudo -n -H -- sh' };
  }
  const marker = `pgprov-${nonce}`;
  const prompt = `pgprov-password-${nonce}:`;
  const sudo = `sudo -S -p ${prompt} -H`;
  return {
    command: terminal
      ? underTerminal(sudo, waitForGo(marker, SHELL_WITHOUT_TERMINAL))
      : `env LC_ALL=C ${sudo} -- sh -c '${waitForGo(marker, 'sh')}'`,
    dialogue: {
      passwordLine: `${become.password.reveal()}\n`,
      prompt,
      ready: `${marker}\n`,
      go: `${marker}\n`,
    },
  };
}
