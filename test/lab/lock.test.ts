import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { asText, isGone } from './owner.js';

/** The process of this number is over; ticks that no process has. */
const dead = (): string => `${spawnSync('/bin/true').pid}-1`;

describe('the locks of the lab', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-locks-'));
  vi.stubEnv('PGPROV_LAB_DIR', directory);
  const { removeStaleLocks, takeLock, withLock } = await import('./lock.js');
  const locks = join(directory, 'locks');
  const path = join(locks, 'image');

  beforeEach(async () => {
    await rm(locks, { recursive: true, force: true });
    await withLock('other', async () => undefined);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });

  it('are held by one at a time, and gone afterwards', async () => {
    let inside = 0;
    const seen = await Promise.all(
      Array.from({ length: 5 }, () =>
        withLock('image', async () => {
          inside += 1;
          await new Promise((resolve) => setTimeout(resolve, 2));
          return inside--;
        }),
      ),
    );
    expect(seen).toEqual([1, 1, 1, 1, 1]);
    expect(await readdir(locks)).toEqual([]);
  });

  it.each([
    { title: 'a process that runs', owner: () => asText(), taken: false },
    { title: 'a process that is gone', owner: dead, taken: true },
    { title: 'an earlier process of a number that is in use', owner: () => `${process.pid}-1`, taken: true },
    { title: 'a process of an older lab, which runs', owner: () => String(process.pid), taken: false },
    { title: 'a process that died before it wrote', owner: () => '', taken: true },
  ])('are taken from $title: $taken', async ({ owner, taken }) => {
    await writeFile(path, owner());
    expect(await takeLock(path)).toBe(taken);
    if (taken) expect(await readFile(path, 'utf8')).toBe(asText());
    expect(await readdir(locks)).toEqual(['image']);
  });

  it('of a process that is gone are taken by one of many', async () => {
    for (let round = 0; round < 20; round++) {
      await writeFile(path, dead());
      const taken = await Promise.all(Array.from({ length: 8 }, () => takeLock(path)));
      expect(taken.filter((one) => one)).toHaveLength(1);
      await rm(path);
    }
  });

  it('of a process that is gone stay while another takes over, and can be taken when that one is gone too', async () => {
    const former = dead();
    await writeFile(path, former);
    await writeFile(`${path}.after-${former}`, asText());
    expect(await takeLock(path)).toBe(false);
    expect(await readFile(path, 'utf8')).toBe(former);
    await writeFile(`${path}.after-${former}`, dead());
    expect(await takeLock(path)).toBe(true);
    expect(await readFile(path, 'utf8')).toBe(asText());
    expect(await readdir(locks)).toEqual(['image']);
  });

  it('whose owners are gone are removed, and no others', async () => {
    await writeFile(path, dead());
    await writeFile(`${path}.a-draft`, dead());
    await writeFile(join(locks, 'keys'), asText());
    await writeFile(join(locks, 'keys.draft'), '');
    expect(await removeStaleLocks()).toBe(2);
    expect((await readdir(locks)).sort()).toEqual(['keys', 'keys.draft']);
  });
});

describe('the description of a process', () => {
  it('distinguishes it from another', () => {
    expect(isGone(asText())).toBe(false);
    expect(isGone(String(process.pid))).toBe(false);
    expect(isGone(`${process.pid}-1`)).toBe(true);
    expect(isGone(dead())).toBe(true);
    expect(isGone('nobody')).toBe(true);
  });
});
