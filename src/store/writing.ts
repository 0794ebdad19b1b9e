import { InputError } from '../lib/errors.js';
import { writePrivate } from './files.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'part of its path is not a directory',
  EISDIR: 'it is a directory',
  EEXIST: 'it is there already',
  EACCES: 'the current user must not write there',
  EPERM: 'the current user must not write there',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left on its file system',
  EDQUOT: 'no space is left on its file system',
};

/**
 * Does something that writes a file the user named.
 * @param shown the file as the user knows it
 * @throws InputError `file/not-writable` where the system does not let it be written
 */
export async function writing<Result>(
  shown: string,
  work: () => Promise<Result>,
  hint = 'nothing that was there is changed',
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const reason = REASONS[(cause as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw cause;
    throw new InputError({ kind: 'file/not-writable', message: `${shown} cannot be written: ${reason}`, hint, cause });
  }
}

/** What to do where the directory beside the inventory takes nothing. */
const MAKE_ROOM =
  'pgprov needs a place beside the inventory where it may write: make room there, or have the directory belong to you; then give the same command again';

/**
 * Does something that writes into a cluster's store.
 * @throws InputError `file/not-writable` where the system does not let it be written, as where the disk is full
 */
export function writingStore<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  return writing(path, work, MAKE_ROOM);
}

/**
 * Writes a file of a cluster's store, which only its owner may read, whole or not at all.
 * @throws InputError as `writingStore` does
 */
export function writeKept(path: string, text: string): Promise<void> {
  return writingStore(path, () => writePrivate(path, text));
}
