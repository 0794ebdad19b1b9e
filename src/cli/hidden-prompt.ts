import { ExitCode, PgprovError } from '../lib/errors.js';
import type { Ask } from '../lib/prompt.js';
import { timeAnswer } from './prompt-time.js';

/** True where a person can be asked without what is typed being shown. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks at the terminal; undefined where there is none. */
export const askAtTerminal: Ask = async (question) => (hasTerminal() ? askHidden(question) : undefined);

const ENTER = /[\r\n\u0004]/u;
const INTERRUPT = '\u0003';
const BACKSPACE = /[\b\u007f]/u;
const KILL_LINE = '\u0015';

/**
 * Asks at the terminal without showing what is typed; undefined when the input ends without a word.
 * @throws PgprovError `cli/interrupted` on Ctrl-C
 */
export async function askHidden(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  // First, because whoever answers at once would see the answer.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.resume();
  let typed = '';
  try {
    return await timeAnswer(
      () =>
        new Promise<string | undefined>((resolve, reject) => {
          const take = (chunk: Buffer): void => {
            for (const character of chunk.toString('utf8')) {
              if (character === INTERRUPT) done(() => reject(interrupted()));
              else if (ENTER.test(character)) done(() => resolve(typed === '' && character === '\u0004' ? undefined : typed));
              else if (BACKSPACE.test(character)) typed = [...typed].slice(0, -1).join('');
              else if (character === KILL_LINE) typed = '';
              else typed += character;
            }
          };
          const end = (): void => done(() => resolve(undefined));
          const done = (settle: () => void): void => {
            stdin.off('data', take);
            stdin.off('end', end);
            settle();
          };
          stdin.on('data', take);
          stdin.on('end', end);
        }),
    );
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function interrupted(): PgprovError {
  return new PgprovError({ kind: 'cli/interrupted', message: 'interrupted; nothing was changed', exitCode: ExitCode.interrupted });
}
