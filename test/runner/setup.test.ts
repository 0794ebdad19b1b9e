import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readSpent } from './spendings.js';

test('the time of a poll is recorded once, in however many files of a worker', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pgprov-spent-'));
  const listeners = process.listenerCount('disconnect');
  try {
    vi.stubEnv('PGPROV_SPENT', join(directory, 'spent'));
    for (const _file of [1, 2, 3]) {
      vi.resetModules();
      await import('./setup.js');
    }
    await expect.poll(() => new Promise((resolve) => setTimeout(resolve, 20, 'there'))).toBe('there');
    expect(readSpent(readFileSync(join(directory, 'spent'), 'utf8'))).toHaveLength(1);
    expect(process.listenerCount('disconnect')).toBe(listeners);
  } finally {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  }
});
