import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, etcdctl, fingerprint, must, sql } from '../integration/support/outside.js';
import type { Finished } from '../integration/support/pgprov.js';
import { patience } from '../support/patience.js';

describe('a three-node cluster on Debian 12', () => {
  let cluster: TestCluster;
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('it12', 'debian12');
    await cluster.write({ leader: 'pg2', groups: { witnesses: { hosts: ['pg3'], patroni: { tags: { nofailover: true } } } } });
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is applied in one go, with the packages of Debian 12', async () => {
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
    expect(await must(cluster.host('pg1'), 'patroni --version')).toBe('patroni 3.0.2');
  });

  it('has its leader on the host that the inventory names', async () => {
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) })
      .toEqual(['pg1 Replica running', 'pg2 Leader running', 'pg3 Replica running']);
    expect(await sql(cluster.host('pg2'), "select count(*) from pg_stat_replication where state = 'streaming'")).toBe('2');
  });

  it('has checksums, three etcd members and no stray clusters', async () => {
    for (const host of cluster.hosts) {
      expect(await controldata(host, 'Data page checksum version')).toBe('1');
      expect(await must(host, 'pg_lsclusters -h; ls /var/lib/etcd')).toBe('demo');
    }
    expect((await etcdctl(cluster.host('pg1'), 'member list')).split('\n')).toHaveLength(3);
  });

  it('gives a group’s variables to its hosts only', async () => {
    expect(await must(cluster.host('pg3'), 'grep ^tags /etc/patroni/config.yml')).toBe('tags: {"nofailover": true}');
    expect(await must(cluster.host('pg1'), 'grep ^tags /etc/patroni/config.yml')).toBe('tags: {}');
  });

  it('is not changed by a second apply', async () => {
    const before = await Promise.all(cluster.hosts.map(fingerprint));
    const second = await cluster.run('apply');
    expect(second.code).toBe(0);
    expect(second.all).toContain('No changes');
    expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
  });

  it('keeps the leader that a switchover made', async () => {
    await must(cluster.host('pg1'), 'patronictl -c /etc/patroni/config.yml switchover --leader pg2 --candidate pg1 --force');
    await expect.poll(() => sql(cluster.host('pg1'), 'select pg_is_in_recovery()'), { timeout: patience(30_000) }).toBe('f');
    await expect.poll(async () => (await cluster.run('status')).code, { timeout: patience(60_000) }).toBe(0);
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    expect(run.all).toContain('No changes');
    expect(await sql(cluster.host('pg1'), 'select pg_is_in_recovery()')).toBe('f');
  });
});
