import { mkdir, open, readFile, rm } from 'node:fs/promises';

import { inLab } from './paths.js';
import { sleep } from './process.js';

/** Runs something while no other process of this lab does the same; a lock whose owner is gone counts for nothing. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(inLab('locks'), { recursive: true });
  const path = inLab('locks', name);
  while (!(await take(path))) {
    if (await abandoned(path)) await rm(path, { force: true });
    else await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Takes a lock unless a living process has it; gives what lets go of it. */
export async function tryLock(name: string): Promise<(() => Promise<void>) | undefined> {
  await mkdir(inLab('locks'), { recursive: true });
  const path = inLab('locks', name);
  if (!(await take(path))) {
    if (!(await abandoned(path))) return undefined;
    await rm(path, { force: true });
    if (!(await take(path))) return undefined;
  }
  return () => rm(path, { force: true });
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function abandoned(path: string): Promise<boolean> {
  const read = (): Promise<string> => readFile(path, 'utf8').catch(() => '');
  // Between its creation and the write of the pid the file is empty for a moment.
  const owner = (await read()) || (await sleep(200), await read());
  if (owner === '') return true;
  try {
    process.kill(Number(owner), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
