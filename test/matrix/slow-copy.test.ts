import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';

const { data: DATA } = placesOf('debian13');

/** Seconds; what is copied takes more of them. */
const STANDS_STILL = 15;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.converged();
});

afterAll(async () => {
  await cluster?.remove();
});

it('waits for a base backup as long as its bytes come, and says how many', async () => {
  const dynamic = { postgresql: { basebackup: [{ checkpoint: 'fast' }, { 'max-rate': '1M' }] } };
  await cluster.write({ patroni: { start_timeout: STANDS_STILL, dynamic } });
  const set = await cluster.run('apply');
  expect(set.code, set.all).toBe(0);
  const pg3 = cluster.host('pg3');
  await must(pg3, `systemctl stop patroni && rm -rf ${DATA}`);
  const run = await cluster.run('apply');
  expect(run.code, run.all).toBe(0);
  const waits = [...run.all.matchAll(/waiting until pg3 leads or streams \((\d+) s\).* (\d+) MiB copied, \d+ MiB\/s/gu)];
  expect(Math.max(...waits.map(([, seconds]) => Number(seconds))), run.all).toBeGreaterThan(STANDS_STILL);
  expect(new Set(waits.map(([, , copied]) => copied)).size).toBeGreaterThan(2);
  expect(await describeMembers(pg3)).toEqual(expect.arrayContaining([expect.stringMatching(/^pg3 Replica streaming$/u)]));
});
