import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';

/** A file's text, or undefined when there is none; any other trouble is thrown. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file that only its owner may read, whole or not at all, and on disk before it returns. */
export async function writePrivate(path: string, text: string): Promise<void> {
  writePrivateNow(path, text);
}

/** The same for a process that is about to end and can wait for nothing. */
export function writePrivateNow(path: string, text: string): void {
  writeWhole(path, text, 0o600);
}

/** Writes a file of the user's anew, whole or not at all, with the mode that it has; through a symbolic link, what that leads to. */
export async function writeAgain(path: string, text: string): Promise<void> {
  const place = await realpath(path);
  writeWhole(place, text, (await stat(place)).mode & 0o7777);
}

function writeWhole(path: string, text: string, mode: number): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = openSync(draft, 'wx', 0o600);
  try {
    try {
      fchmodSync(handle, mode);
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
