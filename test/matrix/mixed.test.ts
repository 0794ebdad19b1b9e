import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorAnswer } from '../../src/lib/finding.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, patronictl, sql } from '../integration/support/outside.js';
import { patience } from '../support/patience.js';

describe('a cluster of Rocky 9 and Debian 12', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.startMixed('itmixed', ['rocky9', 'debian12', 'rocky9'], 'packages');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is refused with a locale that the two systems may sort differently', async () => {
    await cluster.write({ postgresql: { version: 15, locale: 'en_US.UTF-8' } });
    const run = await cluster.run('apply');
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/pg1 runs Rocky Linux 9 and pg2 runs Debian 12 .*en_US\.UTF-8.*corrupts indexes/u);
  });

  it('is made from one inventory, with the same PostgreSQL', async () => {
    await cluster.write({ postgresql: { version: 15 } });
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    expect(
      await sql(
        cluster.host('pg1'),
        "select string_agg(application_name || ' ' || state, ',' order by application_name) from pg_stat_replication",
      ),
    ).toBe('pg2 streaming,pg3 streaming');
    for (const host of cluster.hosts) expect(await controldata(host, 'Data page checksum version')).toBe('1');
  });

  it('has etcd of two versions, which doctor calls no trouble', async () => {
    const { findings } = JSON.parse((await cluster.run('doctor', '--json')).stdout) as DoctorAnswer;
    expect(findings.map(({ level, diagnosis }) => [level, diagnosis])).toEqual([['notice', 'store-versions']]);
    expect(findings[0]?.what).toMatch(/as their systems are: 3\.4\.\d+ and 3\.5\.\d+$/u);
  });

  it('has a leader on the other system after a failover, and is not changed by a second apply', async () => {
    await patronictl(cluster.host('pg2'), 'switchover --candidate pg2 --force');
    await expect.poll(() => sql(cluster.host('pg2'), 'select pg_is_in_recovery()'), { timeout: patience(30_000) }).toBe('f');
    await expect.poll(async () => (await cluster.run('status')).code, { timeout: patience(60_000) }).toBe(0);
    const second = await cluster.run('apply');
    expect(second.code).toBe(0);
    expect(second.all).toContain('No changes');
  });
});
