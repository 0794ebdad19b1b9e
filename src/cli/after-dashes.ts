/** What is said before `--`, and what behind it is for another program. */
export interface Split {
  before: readonly (string | undefined)[];
  after: readonly string[];
}

/**
 * Splits the arguments of a command, of which commander gives only one list, at the `--` of the command line.
 * @param line the whole command line
 * @param given all arguments, in order
 */
export function splitAtDashes(line: readonly string[], given: readonly string[]): Split {
  const at = line.indexOf('--');
  const after = at < 0 ? 0 : line.length - at - 1;
  return { before: given.slice(0, given.length - after), after: given.slice(given.length - after) };
}
