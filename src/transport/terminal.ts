import type { ExecEnd } from './transport.js';

/** How a sudo whose sudoers say `requiretty` refuses, in every version from 1.8 to 1.9.16. */
const REFUSAL = /^sudo: sorry, you must have a tty to run sudo\s*$/mu;

/**
 * True when sudo turned an exec away, before it ran anything or looked at a password, for want of a terminal. The status
 * keeps a script that printed such words from being taken for one that never ran: a framed script ends with 0.
 */
export function wantsTerminal({ code, stderr }: ExecEnd): boolean {
  return code === 1 && REFUSAL.test(stderr);
}

/**
 * Runs sudo under a pseudo-terminal that only is its controlling terminal, which is what `requiretty` looks at. stdin,
 * stdout and stderr stay those of the channel, since a terminal would echo, mix stderr into stdout and change bytes.
 *
 * - What each shell runs comes as an argument or in the environment, so that nothing is quoted twice.
 * - script(1) starts $SHELL, which may be a csh or fish.
 * - `exit $?` keeps a shell above sudo, which ends by the signal that ended its command: script of util-linux 2.32
 *   (Rocky 8) waits for ever for a child that was killed.
 * - What script shows goes to /dev/null and not to the channel: it would die of a closed one, and hang up on sudo.
 *
 * @param sudo sudo with its options; no single quotes, nor what csh or fish would read differently
 * @param rootShell what root runs with `sh -c`, likewise; it leaves the terminal with `setsid` before it runs scripts
 */
export function underTerminal(sudo: string, rootShell: string): string {
  const pty = 'exec script -qec "$1" /dev/null 3<&0 4>&1 5>&2 </dev/null >/dev/null';
  const inside = `${sudo} -- sh -c "$PGPROV_ROOT" <&3 >&4 2>&5; exit $?`;
  return `env LC_ALL=C SHELL=/bin/sh PGPROV_ROOT='${rootShell}' sh -c '${pty}' sh '${inside}'`;
}
