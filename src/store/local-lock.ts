import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { LockedError } from '../lib/errors.js';
import { lockHolder, takeLockFile, type LockHolder } from './lock-file.js';
import { writing } from './writing.js';

/**
 * Takes the lock of the cluster's directory beside the inventory, which may be shared with other machines; gives the function that lets go.
 * @throws InputError when the directory cannot be written; LockedError naming the holder, the file, and how to clear it
 */
export async function takeLocalLock(directory: string): Promise<() => Promise<void>> {
  const take = async (): Promise<() => Promise<void>> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return takeLockFile(join(directory, 'lock'), lockedHere);
  };
  return writing(
    directory,
    take,
    `the cluster’s keys and passwords are kept there: make it writable for ${userInfo().username}, or run pgprov where it is; nothing was changed`,
  );
}

/**
 * Insists that no other process works on the cluster, without taking its lock.
 * @throws LockedError as `takeLocalLock` does
 */
export async function assertUnlocked(directory: string): Promise<void> {
  const holder = await lockHolder(join(directory, 'lock'));
  if (holder !== undefined) throw lockedHere(holder);
}

/** The error of a run that came second on a host. */
export function lockedBy(holder: string, host: string): LockedError {
  return new LockedError({
    kind: 'lock/held',
    message: `another pgprov run is working on host ${host}: ${holder}`,
    hint: 'wait until it is done and run again; nothing was changed by this run',
    host,
  });
}

function lockedHere({ path, name, runsHere }: LockHolder): LockedError {
  const who = name ?? 'the lock does not say who';
  return new LockedError({
    kind: 'lock/held',
    message: runsHere
      ? `another pgprov run is working on this cluster: ${who}`
      : `another pgprov run may be working on this cluster: ${who}; whether it still runs cannot be seen from here`,
    hint: runsHere
      ? `wait until it is done and run again; nothing was changed by this run (the lock is ${path})`
      : `wait until it is done and run again, or, when you know that it is over, remove ${path}; nothing was changed by this run`,
  });
}
