import { readFileSync, statSync } from 'node:fs';
import { systemReason } from '../lib/system-reason.js';

/** Permission bit of everyone else's reading. */
const READABLE_BY_ALL = 0o004;

/**
 * The bytes of a file that only some may read.
 * @param shown its path as the user knows it
 * @throws Error saying what is wrong with it: that everyone can read it, or that it cannot be read
 */
export function readPrivateFile(path: string, shown: string): Buffer {
  if ((trying(shown, () => statSync(path)).mode & READABLE_BY_ALL) === 0) return readPublicFile(path, shown);
  throw new Error(`the file ${shown} can be read by everyone; run chmod 600 on it`);
}

/**
 * The bytes of a file, whoever may read it.
 * @throws Error saying that it cannot be read
 */
export function readPublicFile(path: string, shown: string): Buffer {
  return trying(shown, () => readFileSync(path));
}

function trying<Result>(shown: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new Error(`the file ${shown} cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
