import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { holderName, lockedBy, takeLocalLock } from '../../src/store/local-lock.js';
import { freshDirectory } from '../support/directory.js';

describe('takeLocalLock', () => {
  const work = freshDirectory();
  const directory = (): string => work.at('.pgprov', 'demo');
  const lock = (): string => work.at('.pgprov', 'demo', 'lock');

  it('keeps a second run out until the first lets go', async () => {
    const release = await takeLocalLock(directory());
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(statSync(lock()).mode & 0o7777).toBe(0o600);
    await expect(takeLocalLock(directory())).rejects.toMatchObject({
      kind: 'lock/held',
      exitCode: 5,
      message: expect.stringMatching(new RegExp(`this cluster: .*\\(process ${process.pid}, since `, 'u')) as string,
    });
    await release();
    expect(existsSync(lock())).toBe(false);
    await (await takeLocalLock(directory()))();
  });

  it('takes over from a process that is gone', async () => {
    const { pid } = spawnSync('true');
    await (await takeLocalLock(directory()))();
    writeFileSync(lock(), JSON.stringify({ pid, holder: 'somebody' }));
    const release = await takeLocalLock(directory());
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
  });

  it('respects a process of somebody else', async () => {
    await (await takeLocalLock(directory()))();
    writeFileSync(lock(), JSON.stringify({ pid: 1, holder: 'ann@laptop' }));
    await expect(takeLocalLock(directory())).rejects.toThrow('another pgprov run is working on this cluster: ann@laptop');
  });

  it('takes over what is no lock', async () => {
    await (await takeLocalLock(directory()))();
    writeFileSync(lock(), '{"pid":');
    await (await takeLocalLock(directory()))();
  });
});

describe('lockedBy', () => {
  it.each([
    { host: undefined, message: 'another pgprov run is working on this cluster: ann' },
    { host: 'pg1', message: 'another pgprov run is working on host pg1: ann' },
  ])('$message', ({ host, message }) => {
    const error = lockedBy('ann', host);
    expect(error).toMatchObject({ kind: 'lock/held', exitCode: 5, message });
    expect(error.host).toBe(host);
  });

  it('has a name that tells who, where and since when', () => {
    expect(holderName()).toMatch(/^\S+@\S+ \(process \d+, since \d{4}-\d\d-\d\dT[\d:.]+Z\)$/u);
  });
});
