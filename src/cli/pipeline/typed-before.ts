import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Milliseconds in which what came through a pipe before a question is read, to be thrown away. */
const BEFORE_MS = 50;

/** Throws away what was typed so far: it answers no question that was not there yet. */
export async function discardTyped(): Promise<void> {
  const { stdin } = process;
  if (stdin.isTTY !== true) return discardPiped();
  // Otherwise the terminal keeps back a line that has no end yet.
  stdin.setRawMode(true);
  try {
    readAll('/dev/tty');
  } finally {
    stdin.setRawMode(false);
  }
}

function readAll(terminal: string): void {
  let handle: number | undefined;
  try {
    handle = openSync(terminal, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const chunk = Buffer.alloc(4096);
    while (readSync(handle, chunk) > 0);
  } catch {
    // Nothing more is there (EAGAIN), or the terminal is gone, which the question finds out by itself.
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

async function discardPiped(): Promise<void> {
  const drop = (): void => undefined;
  process.stdin.on('data', drop);
  await setTimeout(BEFORE_MS);
  process.stdin.pause();
  process.stdin.off('data', drop);
}
