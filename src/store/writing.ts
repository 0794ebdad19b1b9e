import { InputError } from '../lib/errors.js';

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
