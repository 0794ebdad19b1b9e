import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockedBy, takeLocalLock } from '../../src/store/local-lock.js';
import { holderName } from '../../src/store/lock-file.js';
import { thisProcess } from '../../src/store/process.js';
import { freshDirectory } from '../support/directory.js';

describe('takeLocalLock', () => {
  const work = freshDirectory();
  const directory = (): string => work.at('.pgprov', 'demo');
  const lock = (): string => work.at('.pgprov', 'demo', 'lock');
  const held = (lines: string | object): void => {
    mkdirSync(directory(), { recursive: true });
    writeFileSync(lock(), typeof lines === 'string' ? lines : JSON.stringify({ ...thisProcess(), holder: 'ann@laptop', ...lines }));
  };

  it('blocks a second run until the first releases the lock', async () => {
    const release = await takeLocalLock(directory());
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject(thisProcess());
    expect(statSync(lock()).mode & 0o7777).toBe(0o600);
    await expect(takeLocalLock(directory())).rejects.toMatchObject({
      kind: 'lock/held',
      exitCode: 5,
      message: expect.stringMatching(new RegExp(`this cluster: .*\\(process ${process.pid}, since `, 'u')) as string,
      hint: expect.stringContaining(lock()) as string,
    });
    await release();
    expect(existsSync(lock())).toBe(false);
    await (await takeLocalLock(directory()))();
  });

  it.each([
    { title: 'a process that is gone', holder: () => ({ pid: spawnSync('true').pid }) },
    { title: 'an earlier process of a number that is in use', holder: () => ({ ticks: '1' }) },
    {
      title: 'a process of an earlier boot of this machine',
      holder: () => ({ pid: 1, machineId: 'it', boot: 'earlier', ticks: '1' }),
      machine: true,
    },
  ])('takes over from $title', async ({ holder, machine = false }) => {
    const { machineId } = thisProcess();
    if (machine && machineId === undefined) return;
    held({ ...holder(), ...(machine ? { machineId } : {}) });
    const release = await takeLocalLock(directory());
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
    expect(readdirSync(directory())).toEqual([]);
  });

  it.each<{ title: string; holder: () => string | object; who: string }>([
    {
      title: 'another machine, whose number is in use by nobody here',
      holder: () => ({ machine: 'desk', pid: spawnSync('true').pid }),
      who: 'ann@laptop',
    },
    {
      title: 'another machine of the same name',
      holder: () => ({ machineId: 'another', boot: 'another', pid: spawnSync('true').pid }),
      who: 'ann@laptop',
    },
    { title: 'a container of the same name', holder: () => ({ namespace: 'pid:[1]', pid: spawnSync('true').pid }), who: 'ann@laptop' },
    {
      title: 'a version that did not record the machine of its process',
      holder: () => JSON.stringify({ pid: spawnSync('true').pid, holder: 'old' }),
      who: 'the lock does not say who',
    },
    { title: 'an unreadable file', holder: () => '{"pid":', who: 'the lock does not say who' },
  ])('respects a lock of $title, and says how to remove it', async ({ holder, who }) => {
    const text = holder();
    held(text);
    const before = readFileSync(lock(), 'utf8');
    await expect(takeLocalLock(directory())).rejects.toMatchObject({
      kind: 'lock/held',
      exitCode: 5,
      message: `another pgprov run may be working on this cluster: ${who}; whether it still runs cannot be seen from here`,
      hint: `wait until it is done and run again, or, when you know that it is over, remove ${lock()}; nothing was changed by this run`,
    });
    expect(readFileSync(lock(), 'utf8')).toBe(before);
    expect(readdirSync(directory())).toEqual(['lock']);
  });

  it('respects a process of another user', async () => {
    const { ticks: _, ...rest } = thisProcess();
    held(JSON.stringify({ ...rest, pid: 1, holder: 'ann@laptop' }));
    await expect(takeLocalLock(directory())).rejects.toThrow('another pgprov run is working on this cluster: ann@laptop');
  });

  it('gives a stale lock to one of many that find it', async () => {
    for (let round = 0; round < 20; round++) {
      held({ pid: spawnSync('true').pid, ticks: '1' });
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => takeLocalLock(directory())));
      const releases = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(releases).toHaveLength(1);
      expect(taken.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { kind: string }).kind] : []))).toEqual(
        Array.from({ length: 7 }, () => 'lock/held'),
      );
      await releases[0]?.();
    }
    expect(readdirSync(directory())).toEqual([]);
  });

  it('releases only its own lock', async () => {
    const release = await takeLocalLock(directory());
    held({ machine: 'desk' });
    await release();
    expect(existsSync(lock())).toBe(true);
  });

  it('reports the reason when it cannot be written', async () => {
    writeFileSync(work.at('.pgprov'), '');
    await expect(takeLocalLock(directory())).rejects.toMatchObject({
      kind: 'file/not-writable',
      exitCode: 2,
      message: `${directory()} cannot be written: part of its path is not a directory`,
      hint: expect.stringMatching(/^the cluster’s keys and passwords are kept there: make it writable for /u) as string,
    });
  });
});

describe('lockedBy', () => {
  it('names the host and the holder', () => {
    expect(lockedBy('ann', 'pg1')).toMatchObject({
      kind: 'lock/held',
      exitCode: 5,
      host: 'pg1',
      message: 'another pgprov run is working on host pg1: ann',
    });
  });

  it('has a name that says who, where and since when', () => {
    expect(holderName()).toMatch(/^\S+@\S+ \(process \d+, since \d{4}-\d\d-\d\dT[\d:.]+Z\)$/u);
  });
});
