import { spawnSync } from 'node:child_process';
import { afterAll, expect, it, vi } from 'vitest';
import { findHosts, removeLab, startHost } from '../lab/index.js';
import { removeLeftovers } from '../lab/leftovers.js';
import { networkNames } from '../lab/network.js';
import { RUN_VARIABLE, thisRun } from '../lab/run-labels.js';

const NETWORKS = ['itover', 'itliving', 'itnobody'];

afterAll(async () => {
  vi.unstubAllEnvs();
  for (const network of NETWORKS) await removeLab(network);
});

it('hosts and networks of a run that was killed are removed, those of a living run and of no run stay', async () => {
  const over = `${spawnSync('/bin/true').pid}-1@${thisRun().split('@')[1] ?? ''}`;
  const runs = [over, process.env[RUN_VARIABLE] ?? '', ''];
  for (const [index, network] of NETWORKS.entries()) {
    await removeLab(network);
    vi.stubEnv(RUN_VARIABLE, runs[index]);
    await startHost({ name: 'pg1', os: 'debian13', network });
  }
  const [host] = await findHosts('itover');
  const removed = await removeLeftovers();
  expect(removed).toEqual(expect.arrayContaining([host?.container, 'network itover']));
  expect(removed.filter((name) => /itliving|itnobody/u.test(name))).toEqual([]);
  expect((await networkNames()).filter((name) => NETWORKS.includes(name))).toEqual(['itliving', 'itnobody']);
  expect((await Promise.all(NETWORKS.map((network) => findHosts(network)))).map((hosts) => hosts.length)).toEqual([0, 1, 1]);
});
