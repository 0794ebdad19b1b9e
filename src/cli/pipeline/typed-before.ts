import { closeSync, constants, openSync, readSync } from 'node:fs';

/** Throws away what was typed so far: it answers no question that was not there yet. */
export function discardTyped(): void {
  const { stdin } = process;
  // A pipe is read without waiting as soon as Node has made its stream.
  if (stdin.isTTY !== true) return readAll(stdin.fd);
  // Otherwise the terminal keeps back a line that has no end yet.
  stdin.setRawMode(true);
  try {
    readTerminal('/dev/tty');
  } finally {
    stdin.setRawMode(false);
  }
}

function readTerminal(terminal: string): void {
  let handle: number | undefined;
  try {
    handle = openSync(terminal, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    readAll(handle);
  } catch {
    // The terminal is gone, which the question finds out by itself.
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function readAll(handle: number): void {
  const chunk = Buffer.alloc(4096);
  try {
    while (readSync(handle, chunk) > 0);
  } catch {
    // Nothing more is there (EAGAIN).
  }
}
