import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

test('processes of a finished run are ended, those of a running run, of another checkout and of no run stay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-leftovers-'));
  // A lab without hosts, so that only processes are found.
  vi.stubEnv('PGPROV_LAB_DIR', directory);
  const { removeLeftovers } = await import('./leftovers.js');
  const { RUN_VARIABLE, thisRun } = await import('./run-labels.js');
  const checkout = thisRun().split('@')[1] ?? '';
  const over = `${spawnSync('/bin/true').pid}-1`;
  const start = (run: string | undefined): ChildProcess =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', env: { ...process.env, [RUN_VARIABLE]: run } });
  const gone = start(`${over}@${checkout}`);
  const others = [start(thisRun()), start(`${over}@elsewhere`), start(undefined)];
  try {
    const ended = new Promise((resolve) => gone.on('exit', (_, signal) => resolve(signal)));
    expect(await removeLeftovers()).toContain(`process ${gone.pid}`);
    expect(await ended).toBe('SIGKILL');
    expect(others.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([null, null, null]);
  } finally {
    for (const child of [gone, ...others]) child.kill('SIGKILL');
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  }
});
