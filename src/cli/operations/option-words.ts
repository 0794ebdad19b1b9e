import { flagOf } from '../../lib/flag.js';
import { shellWord } from '../command-line-text.js';
import type { Operation } from '../../plan/operation.js';

/** The command that operations of a user's own are called with, and so the first word of their names: `operate checkpoint`. */
export const OPERATE = 'operate';

/** Options as one would write them on a command line, a word each: `--to`, `pg2`. */
export function optionWords(given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(given).flatMap(([option, value]) => {
    if (value === true) return [flagOf(option)];
    return value === false || value === undefined ? [] : [flagOf(option), String(value)];
  });
}

/**
 * The command line of an operation without its inventory, as one would write it, and without what is so by default: `certs renew --ca`.
 * @param source the inventory of the cluster that it only reads
 */
export function operationWords(
  { name, options, argument, typed }: Pick<Operation, 'name' | 'options' | 'argument' | 'typed'>,
  given: Readonly<Record<string, unknown>>,
  source?: string,
): string {
  const said = Object.entries(given).filter(([option, value]) => option !== argument?.name && value !== options[option]?.default);
  const words = [...(argument === undefined ? [] : [String(given[argument.name])]), ...(source === undefined ? [] : [source])];
  return [name, ...[...words, ...(typed?.(given) ?? optionWords(Object.fromEntries(said)))].map(shellWord)].join(' ');
}

/** What its options are where they are not given. */
export function defaultsOf({ options }: Pick<Operation, 'options'>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, schema]) => (schema.default === undefined ? [] : [[name, schema.default]])),
  );
}
