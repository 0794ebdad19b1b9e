import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { LockedError } from '../lib/errors.js';
import { isAlive } from './process.js';

/** Who this run is, for the message that another run gets. */
export function holderName(): string {
  return `${userInfo().username}@${hostname()} (process ${process.pid}, since ${new Date().toISOString()})`;
}

/**
 * Takes the cluster's lock on this machine; gives the function that lets go. A lock whose process is gone
 * is taken over. Other machines are kept out by the lock on the hosts.
 * @throws LockedError naming the holder
 */
export async function takeLocalLock(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return takeLockFile(join(directory, 'lock'), lockedBy);
}

/**
 * Takes the lock that a file is; gives the function that lets go. A lock whose process is gone is taken over.
 * @param refuse makes the error that is thrown when another process holds it
 */
export async function takeLockFile(path: string, refuse: (holder: string) => LockedError): Promise<() => Promise<void>> {
  for (;;) {
    // Linked into place when it is complete, so that nobody ever reads half a lock.
    const draft = `${path}.${process.pid}`;
    await writeFile(draft, JSON.stringify({ pid: process.pid, holder: holderName() }), { mode: 0o600 });
    try {
      await link(draft, path);
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readHolder(path);
      if (holder !== undefined && isAlive(holder.pid)) throw refuse(holder.holder);
      await rm(path, { force: true });
    } finally {
      await rm(draft, { force: true });
    }
  }
}

/** The error of a run that came second. */
export function lockedBy(holder: string, host?: string): LockedError {
  const where = host === undefined ? 'this cluster' : `host ${host}`;
  return new LockedError({
    kind: 'lock/held',
    message: `another pgprov run is working on ${where}: ${holder}`,
    hint: 'wait until it is done and run again; nothing was changed by this run',
    ...(host === undefined ? {} : { host }),
  });
}

async function readHolder(path: string): Promise<{ pid: number; holder: string } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { pid: number; holder: string };
  } catch {
    return undefined;
  }
}
