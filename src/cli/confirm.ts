import { createInterface } from 'node:readline/promises';
import { timeAnswer } from './asking.js';

/** True where a person can be asked: both ends are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** Asks for a plain yes; anything else, the end of input and Ctrl-C are a no. */
export async function confirm(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  prompt.once('SIGINT', () => prompt.close());
  try {
    const answer = await timeAnswer(() => Promise.race([prompt.question(`${question} [y/N] `), closed]));
    return /^y(?:es)?$/iu.test(answer.trim());
  } finally {
    prompt.close();
  }
}
