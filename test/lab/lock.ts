import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';

import { asText, isGone } from './owner.js';
import { inLab } from './paths.js';
import { sleep } from './process.js';

/** Runs something while no other process of this lab does the same; a lock whose owner is gone counts for nothing. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(inLab('locks'), { recursive: true });
  const path = inLab('locks', name);
  while (!(await takeLock(path))) await sleep(100);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Takes a lock unless a process that runs has it; gives what lets go of it. */
export async function tryLock(name: string): Promise<(() => Promise<void>) | undefined> {
  await mkdir(inLab('locks'), { recursive: true });
  const path = inLab('locks', name);
  return (await takeLock(path)) ? () => rm(path, { force: true }) : undefined;
}

/** Removes the locks whose owners are gone, and what processes that were killed left beside them; returns how many. */
export async function removeStaleLocks(): Promise<number> {
  const names = await readdir(inLab('locks')).catch(() => []);
  const removed = await Promise.all(
    names.map(async (name) => {
      const path = inLab('locks', name);
      const owner = await ownerOf(path);
      // An empty file is the draft of a process that is just writing it.
      if (owner === undefined || owner === '' || !isGone(owner) || !(await takeLock(path))) return 0;
      await rm(path, { force: true });
      return 1;
    }),
  );
  return removed.reduce((sum: number, one) => sum + one, 0);
}

/**
 * Takes the lock that a file is, unless a process that runs has it; returns whether it did. Who takes over from a process that
 * is gone does so under a lock named after that owner, so that of two takers the later one cannot take away what the earlier one has.
 */
export async function takeLock(path: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  // Put in place when it is complete, so that nobody ever reads half a lock.
  await writeFile(draft, asText());
  try {
    if (await linked(draft, path)) return true;
    const former = await ownerOf(path);
    if (former === undefined || !isGone(former)) return false;
    const takeover = `${path}.after-${former.replace(/[^\d-]/gu, '')}`;
    if (!(await takeLock(takeover))) return false;
    try {
      if ((await ownerOf(path)) !== former) return false;
      await rename(draft, path);
      return true;
    } finally {
      await rm(takeover, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** What is in a lock; undefined when there is none. */
async function ownerOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
