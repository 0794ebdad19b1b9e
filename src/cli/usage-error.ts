import type { Command, CommanderError } from 'commander';
import { InputError } from '../lib/errors.js';
import { nearest } from '../lib/nearest.js';
import { counterpartOf } from './foreign-options.js';

/**
 * An error of the parser in the form of all others: what is wrong, and what to do.
 * @param command what was called, whose help the hint names
 */
export function usageError({ code, message }: CommanderError, command: Command): InputError {
  const [what = '', ...rest] = message.replace(/^error: /u, '').split('\n');
  const meant = /^\(Did you mean (?<meant>.*\?)\)$/u.exec(rest.join(' '))?.groups?.['meant'];
  const flag = code === 'commander.unknownOption' ? /'(.+)'/u.exec(what)?.[1] : undefined;
  const counterpart = flag === undefined ? undefined : counterpartOf(flag, command);
  return new InputError({
    kind: `cli/${code.replace(/^commander\./u, '').replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`,
    message: what.replace(/\.$/u, ''),
    hint: counterpart ?? (meant === undefined ? `\`${nameOf(command)} --help\` shows what it takes` : `did you mean ${meant}`),
  });
}

/** `pgprov config edit` */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** The command that a line calls; what follows an option ahead of it may be a value. */
export function calledCommand(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const [index, word] of words.entries()) {
    if (word.startsWith('-')) continue;
    const below = command.commands.find((each) => each.name() === word);
    const mayBeValue = command === program && words[index - 1]?.startsWith('-') === true;
    if (below === undefined && !mayBeValue) break;
    command = below ?? command;
  }
  return command;
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
