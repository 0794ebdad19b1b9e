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
// `read` takes bytes one at a time, so the `sh` that follows goes on exactly after the line.
function waitForGo(marker: string): string {
  return `echo ${marker}; while IFS= read -r l; do if [ "$l" = ${marker} ]; then exec sh; fi; done; exit 1`;
}

/**
 * How to become root on a host.
 *
 * With a password the script must not be sent along with it: after a wrong one sudo reads the next lines of stdin as
 * further guesses, which puts script text in the hands of PAM and makes three failures of one, enough for
 * pam_faillock to lock the account. So the root shell first says that it is there. A password that sudo did not ask
 * for (NOPASSWD, cached) is skipped by the root shell, never run.
 *
 * @param nonce letters and digits only, new for each exec; not a secret
 */
export function becomeRoot(become: Become, nonce: string): RootShell {
  if (!/^[A-Za-z0-9]+$/u.test(nonce)) throw new RangeError('a nonce is letters and digits only');
  if (become.method === 'none') return { command: 'sh' };
  // LC_ALL=C through env, because csh and fish have no `VAR=value command`; it lets `explainBecomeFailure` read sudo's words.
  if (become.password === undefined) return { command: 'env LC_ALL=C sudo -n -H -- sh' };
  const marker = `pgprov-${nonce}`;
  const prompt = `pgprov-password-${nonce}:`;
  return {
    command: `env LC_ALL=C sudo -S -p '${prompt}' -H -- sh -c '${waitForGo(marker)}'`,
    dialogue: {
      passwordLine: `${become.password.reveal()}\n`,
      prompt,
      ready: `${marker}\n`,
      go: `${marker}\n`,
    },
  };
}
