import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitCode, PgprovError } from '../lib/errors.js';

/**
 * Does something with a new directory that only this user may enter, in memory where the system has such a place. It is gone afterwards,
 * whatever happens but `kill -9`. Ctrl-C is left to the program that has the terminal meanwhile.
 * @param name what the directory's name begins with
 * @param work is given the path, and a signal that fires when the process is told to end
 */
export async function withPrivateDirectory<Result>(
  name: string,
  work: (directory: string, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const end = (): void =>
    controller.abort(
      new PgprovError({ kind: 'cli/interrupted', message: 'interrupted; nothing was changed', exitCode: ExitCode.interrupted }),
    );
  // The program is sent what the terminal sends, and knows better what it means.
  const ignore = (): void => undefined;
  const listeners = [
    ['SIGTERM', end],
    ['SIGHUP', end],
    ['SIGINT', ignore],
    ['SIGQUIT', ignore],
  ] as const;
  for (const [event, listener] of listeners) process.on(event, listener);
  const directory = mkdtempSync(join(roomInMemory(), name));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    return await work(directory, controller.signal);
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
