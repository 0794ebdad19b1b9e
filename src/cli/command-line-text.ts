import type { RunHead } from '../store/journal-format.js';

/** The command line of a journaled run, as one would write it, without the inventory. */
export function commandLineText({ command, aim, set }: Pick<RunHead, 'command' | 'aim' | 'set'>): string {
  const options = Object.entries(aim).map(
    ([option, words]) => `--${option.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)} ${words.map(shellWord).join(',')}`,
  );
  return [command, ...options, ...set.map((text) => `--set ${shellWord(text)}`)].join(' ');
}

/** A word of it, quoted where a shell would read it as something else. */
export function shellWord(text: string): string {
  return /^[\w./:=,@%+-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
