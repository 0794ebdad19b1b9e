import type { Command, CommanderError } from 'commander';
import { InputError } from '../lib/errors.js';
import { nearest } from '../lib/nearest.js';

/**
 * An error of the parser in the form of all others: what is wrong, and what to do.
 * @param command what the hint has the help of, such as `pgprov config edit`
 */
export function usageError({ code, message }: CommanderError, command: string): InputError {
  const [what = '', ...rest] = message.replace(/^error: /u, '').split('\n');
  const meant = /^\(Did you mean (?<meant>.*\?)\)$/u.exec(rest.join(' '))?.groups?.['meant'];
  return new InputError({
    kind: `cli/${code.replace(/^commander\./u, '').replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`,
    message: what.replace(/\.$/u, ''),
    hint: meant === undefined ? `\`${command} --help\` shows what it takes` : `did you mean ${meant}`,
  });
}

/** The command that a line calls, without its options and arguments: `pgprov config edit`. */
export function calledCommand(program: Command, words: readonly string[]): string {
  const names = [program.name()];
  let command = program;
  for (const word of words.filter((each) => !each.startsWith('-'))) {
    const below = command.commands.find((each) => each.name() === word);
    if (below === undefined) break;
    names.push(word);
    command = below;
  }
  return names.join(' ');
}

/**
 * An option's value, or an argument, that is none of those that there are.
 * @param name what it is the value of: `--until`, `<shell>`
 */
export function noChoice(name: string, text: string, choices: readonly string[]): InputError {
  const meant = nearest(text, choices);
  const list = choices.length === 1 ? `the only value is ${choices[0]}` : `the values are ${choices.join(', ')}`;
  return wrongValue(name, text, 'is none of its values', meant === undefined ? list : `did you mean ${meant}? ${list}`);
}

/**
 * An option's value that cannot be used.
 * @param what why, as a clause that follows it: `is no time`
 * @param hint in the imperative
 */
export function wrongValue(name: string, text: string, what: string, hint: string): InputError {
  return new InputError({ kind: 'cli/option-value', message: `${name} ${JSON.stringify(text)} ${what}`, hint });
}
