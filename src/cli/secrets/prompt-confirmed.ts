import { InputError } from '../../lib/errors.js';
import { askHidden, hasTerminal } from '../hidden-prompt.js';

/**
 * Asks for something that is not shown, and again, because a typing error would not be seen.
 * @throws InputError when there is no terminal, nothing is typed, or twice something else
 */
export async function askTwice(what: string): Promise<string> {
  if (!hasTerminal()) {
    throw new InputError({
      kind: 'cli/no-terminal',
      message: `there is no terminal to ask at: ${what}`,
      hint: 'run it at a terminal, with neither stdin nor stderr redirected',
    });
  }
  const answer = await askHidden(`${what}: `);
  if (answer === undefined || answer === '')
    throw new InputError({ kind: 'secrets/nothing-typed', message: 'nothing was typed, and nothing changed' });
  if ((await askHidden('Again: ')) === answer) return answer;
  throw new InputError({ kind: 'secrets/not-the-same', message: 'the two entries differ; nothing was changed', hint: 'do it again' });
}
