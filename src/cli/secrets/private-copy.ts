import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitCode, PgprovError } from '../../lib/errors.js';

/**
 * Does something with a text in a file that only this user may read, in a directory of its own, in memory where the
 * system has such a place. The file is gone afterwards, whatever happens but `kill -9`.
 * @param work is given the path, and a signal that fires when the process is told to end
 */
export async function withPrivateFile<Result>(name: string, text: string, work: (path: string, signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const end = (): void => controller.abort(new PgprovError({ kind: 'cli/interrupted', message: 'interrupted; nothing was changed', exitCode: ExitCode.interrupted }));
  // The editor is sent what the terminal sends, and knows better what it means.
  const ignore = (): void => undefined;
  const listeners = [['SIGTERM', end], ['SIGHUP', end], ['SIGINT', ignore], ['SIGQUIT', ignore]] as const;
  for (const [event, listener] of listeners) process.on(event, listener);
  const directory = mkdtempSync(join(roomInMemory(), 'pgprov-secrets-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return await work(path, controller.signal);
  } finally {
    remove();
    process.off('exit', remove);
    for (const [event, listener] of listeners) process.off(event, listener);
  }
}

function roomInMemory(): string {
  const places = [process.env['XDG_RUNTIME_DIR'], '/dev/shm'];
  return places.find((place): place is string => place !== undefined && place !== '' && isWritable(place)) ?? tmpdir();
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
