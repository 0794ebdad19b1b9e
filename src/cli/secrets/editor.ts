import { spawn } from 'node:child_process';
import { InputError } from '../../lib/errors.js';

/**
 * Has the user's editor open a file, and waits until it ends. Ctrl-C is the editor's.
 * @param what stays as it was when the editor fails
 * @throws InputError `secrets/editor` when it cannot be run or fails; the signal's reason when that fires
 */
export async function runEditor(path: string, signal: AbortSignal, what = 'the store'): Promise<void> {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi';
  // As git and others do: the variable may hold options, and words in quotes.
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    const ended = await new Promise<string | undefined>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, killedBy) => resolve(code === 0 ? undefined : killedBy === null ? `exit code ${code}` : killedBy));
    });
    signal.throwIfAborted();
    if (ended === undefined) return;
    throw new InputError({
      kind: 'secrets/editor',
      message: `the editor ${editor} ended with ${ended}; ${what} stays as it was`,
      hint: 'set EDITOR to an editor that is installed, and do it again',
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
