import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withPrivateDirectory } from '../private-directory.js';

/**
 * Does something with a text in a file that only this user may read, in a directory of its own. The file is gone afterwards.
 * @param work is given the path, and a signal that fires when the process is told to end
 */
export async function withPrivateFile<Result>(
  name: string,
  text: string,
  work: (path: string, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return withPrivateDirectory('pgprov-secrets-', (directory, signal) => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return work(path, signal);
  });
}
