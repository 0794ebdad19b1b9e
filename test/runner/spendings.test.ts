import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { spending, spent } from '../support/spent.js';
import { readSpent, sumSpent } from './spendings.js';

test('a moment of a worker counts once, for the first category in the list, and workers are added up', () => {
  const events = [
    { on: 'waiting', from: 0, to: 100, worker: '1' },
    { on: 'waiting', from: 50, to: 120, worker: '1' },
    { on: 'packages', from: 110, to: 150, worker: '1' },
    { on: 'images', from: 140, to: 160, worker: '1' },
    { on: 'images', from: 0, to: 5, worker: '' },
    { on: 'waiting', from: 0, to: 100, worker: '2' },
  ] as const;
  expect(sumSpent(events)).toEqual({ images: 25, packages: 30, waiting: 210 });
});

test('lines of several processes are read back, half a line is ignored, and nothing is written outside of a run', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-spent-'));
  try {
    const file = join(directory, 'spent');
    vi.stubEnv('PGPROV_SPENT', file);
    vi.stubEnv('VITEST_POOL_ID', '7');
    spent('packages', 10, 30);
    spent('packages', 30, 30);
    expect(await spending('images', () => new Promise((resolve) => setTimeout(resolve, 5, 'made')))).toBe('made');
    vi.stubEnv('PGPROV_SPENT', '');
    spent('waiting', 10, 30);
    const events = readSpent(`${await readFile(file, 'utf8')}{"on":"wai`);
    expect(events).toEqual([{ on: 'packages', from: 10, to: 30, worker: '7' }, expect.objectContaining({ on: 'images', worker: '7' })]);
  } finally {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  }
});
