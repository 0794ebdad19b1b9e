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
  try {
    const { mode } = statSync(path);
    if ((mode & READABLE_BY_ALL) === 0) return readFileSync(path);
  } catch (error) {
    throw new Error(`the file ${shown} cannot be read: ${systemReason(error)}`, { cause: error });
  }
  throw new Error(`the file ${shown} can be read by everyone; run chmod 600 on it`);
}
