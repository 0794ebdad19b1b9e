import { createHash, randomUUID } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import type { LockedError } from '../lib/errors.js';
import { readIfThere } from './files.js';
import { isRunning, thisProcess, type ProcessIdentity } from './process.js';

/** Who has a lock that was refused. */
export interface LockHolder {
  /** The lock, a file. */
  path: string;
  /** For people; undefined when the file does not say. */
  name: string | undefined;
  /** Its process runs on this machine; false: nobody can tell from here, so the lock counts as held. */
  runsHere: boolean;
}

/** Who this run is, for the message that another run gets. */
export function holderName(): string {
  return `${userInfo().username}@${hostname()} (process ${process.pid}, since ${new Date().toISOString()})`;
}

/** Whether a run with this `holderName` was one of this machine and is over: who has its lock is only about to let go. */
export function isOver(holder: string): boolean {
  const { machine = '', pid } = /@(?<machine>[^@ ]+) \(process (?<pid>\d+), since [^()]+\)$/u.exec(holder)?.groups ?? {};
  return pid !== undefined && isRunning({ pid: Number(pid), machine }) === false;
}

/**
 * Takes the lock that a file is; gives the function that lets go. A lock whose process is known to be gone is taken over; one of another
 * machine, or one that cannot be read, is held.
 * @param refuse makes the error that is thrown when another process holds it, or may hold it
 */
export async function takeLockFile(path: string, refuse: (holder: LockHolder) => LockedError): Promise<() => Promise<void>> {
  const mine = JSON.stringify({ ...thisProcess(), holder: holderName(), id: randomUUID() });
  const draft = `${path}.${randomUUID()}`;
  // Linked into place when it is complete and on disk, so that nobody ever reads half a lock.
  try {
    await writeDraft(draft, mine);
    let taken = false;
    while (!taken) taken = (await isLinked(draft, path)) || (await isTakenOver(draft, path, refuse));
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    if ((await readIfThere(path)) === mine) await rm(path, { force: true });
  };
}

/** Who has the lock that a file is, other than this process; undefined where nobody has it, or a process that is gone. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  const running = holder === undefined ? undefined : isRunning(holder);
  if (running === false || (running === true && holder?.pid === process.pid)) return undefined;
  return { path, name: holder?.holder, runsHere: running === true };
}

/**
 * Puts the draft in place of a lock whose process is gone. It is done under a lock named after that very lock, so that of two who found
 * it the later one cannot take away what the earlier one has made of it.
 * @returns false when the lock has changed meanwhile
 */
async function isTakenOver(draft: string, path: string, refuse: (holder: LockHolder) => LockedError): Promise<boolean> {
  const former = await readIfThere(path);
  if (former === undefined) return false;
  const holder = parseHolder(former);
  const running = holder === undefined ? undefined : isRunning(holder);
  if (running !== false) throw refuse({ path, name: holder?.holder, runsHere: running === true });
  const letGo = await takeLockFile(`${path}.after-${createHash('sha256').update(former).digest('hex').slice(0, 16)}`, refuse);
  try {
    if ((await readIfThere(path)) !== former) return false;
    await rename(draft, path);
    return true;
  } finally {
    await letGo();
  }
}

async function writeDraft(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined for what is no lock, or one of a version that did not say which machine its process is of. */
function parseHolder(text: string): (ProcessIdentity & { holder?: string }) | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity> & { holder?: string };
    return typeof value.pid === 'number' && typeof value.machine === 'string'
      ? { ...value, pid: value.pid, machine: value.machine }
      : undefined;
  } catch {
    return undefined;
  }
}
