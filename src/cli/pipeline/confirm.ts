import { createInterface } from 'node:readline/promises';
import { timeAnswer } from '../prompt-time.js';
import { columnsOf, wrapWords } from '../../report/width.js';
import { discardTyped } from './typed-before.js';

/** True where a person can be asked: both ends are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Asks for a plain yes; anything else, the end of input, Ctrl-C, an abort and a terminal that is closed are a no. What was typed before the
 * question stood there is no answer.
 * @param output where the question is written; default: stdout
 */
export async function confirm(
  question: string,
  signal?: AbortSignal,
  output: NodeJS.WritableStream & { columns?: number } = process.stdout,
): Promise<boolean> {
  discardTyped();
  if (process.stdin.readableEnded) return false;
  // The terminal edits the line: readline's own editing leaves nobody waiting, and no answer, when the terminal is closed.
  const prompt = createInterface({ input: process.stdin, output, terminal: false });
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  const close = (): void => prompt.close();
  prompt.on('error', close);
  process.on('SIGINT', close);
  signal?.addEventListener('abort', close, { once: true });
  if (signal?.aborted === true) close();
  try {
    const answer = await timeAnswer(() =>
      signal?.aborted === true
        ? Promise.resolve('')
        : Promise.race([prompt.question(`${wrapWords(`${question} [y/N]`, columnsOf(output) - 1).join('\n')} `), closed]),
    );
    return /^y(?:es)?$/iu.test(answer.trim());
  } finally {
    signal?.removeEventListener('abort', close);
    process.off('SIGINT', close);
    prompt.close();
  }
}
