import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type LabHost, type System } from '../lab/index.js';
import { MATRIX } from '../support/depth.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, fingerprint, must, patronictl, sql } from './support/outside.js';
import { placesOf } from './support/places.js';
import type { Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

/** Succeeds when a TCP connection from one host to a port of another comes about. */
async function gets(from: LabHost, to: LabHost, port: number): Promise<boolean> {
  return (await from.exec(`timeout ${patience(2)} bash -c ': </dev/tcp/${to.address}/${port}'`)).code === 0;
}

interface Variant {
  os: System;
  title: string;
  /** Who pgprov logs in as. */
  user: string;
}

const VARIANTS: readonly Variant[] = [
  { os: 'rocky9', title: 'Rocky 9', user: 'admin' },
  // Its sudo insists on a terminal.
  { os: 'rocky8', title: 'Rocky 8', user: 'tty' },
];

describe.each(VARIANTS.filter(({ os }) => MATRIX || os === 'rocky9'))('a three-node cluster on $title', ({ os, user }) => {
  let cluster: TestCluster;
  let stranger: LabHost;
  let first: Finished;
  const places = placesOf(os);

  beforeAll(async () => {
    cluster = await TestCluster.start(`it${os}`, os);
    stranger = await startHost({ name: 'stranger', os, network: `it${os}` });
    await cluster.write({ ssh: { user } });
    // Somebody chose the distribution's own PostgreSQL on this host; it would hide PGDG's.
    await must(cluster.host('pg2'), `dnf -y -q module enable postgresql:${os === 'rocky8' ? '13' : '15'}`);
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is applied in one go, without Python in the PATH of the hosts', () => {
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
  });

  it('has a leader and two streaming replicas', async () => {
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
    await sql(cluster.host('pg1'), 'create table proof as select 42 as answer');
    await expect.poll(() => sql(cluster.host('pg3'), 'select answer from proof')).toBe('42');
  });

  it('runs PGDG’s packages, whatever module stream was enabled', async () => {
    for (const host of cluster.hosts) {
      expect(await must(host, 'rpm -q --qf "%{RELEASE}\\n" postgresql15-server etcd patroni')).toMatch(/^(?:\S*PGDG\S*\n?){3}$/u);
      expect((await host.exec('rpm -q postgresql-server')).code).not.toBe(0);
      expect(await must(host, "sed -n 's/^state=//p' /etc/dnf/modules.d/postgresql.module")).toBe('disabled');
    }
  });

  it('has checksums, and three etcd members that read their keys although the package’s directory is closed', async () => {
    for (const host of cluster.hosts) {
      expect(await controldata(host, 'Data page checksum version')).toBe('1');
      expect(await must(host, "stat -c '%U %a' /etc/etcd /etc/pki/etcd/node.key")).toBe('root 750\netcd 600');
    }
    expect((await etcdctl(cluster.host('pg1'), 'member list')).split('\n')).toHaveLength(3);
  });

  it('starts Patroni without waiting for a notification that its packages cannot send', async () => {
    expect(await must(cluster.host('pg1'), 'systemctl show -p Type --value patroni; systemctl is-enabled patroni etcd')).toBe(
      'simple\nenabled\nenabled',
    );
    expect((await cluster.host('pg1').exec('systemctl is-enabled postgresql-15')).stdout.trim()).toBe('disabled');
  });

  it('lets its members through the firewall and nobody else', async () => {
    const [pg1, pg2] = [cluster.host('pg1'), cluster.host('pg2')];
    for (const port of [5432, 8008, 2379, 2380]) {
      expect([port, await gets(pg2, pg1, port)]).toEqual([port, true]);
      expect([port, await gets(stranger, pg1, port)]).toEqual([port, false]);
    }
    expect(await must(pg1, 'firewall-cmd --state')).toBe('running');
    await must(pg1, 'firewall-cmd -q --reload');
    await expect.poll(() => gets(pg2, pg1, 5432)).toBe(true);
    expect(await gets(stranger, pg1, 5432)).toBe(false);
  });

  it('is not changed by a second apply', async () => {
    const before = await Promise.all(cluster.hosts.map(fingerprint));
    const second = await cluster.run('apply');
    expect(second.code).toBe(0);
    expect(second.all).toContain('No changes');
    expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
  });

  it('can be applied for one role on one host', async () => {
    await must(cluster.host('pg3'), 'rm /etc/yum.repos.d/pgdg-pgprov.repo');
    const run = await cluster.run('apply', '--host', 'pg3', '--role', 'pgdg');
    expect(run.code).toBe(0);
    expect(await must(cluster.host('pg3'), 'dnf -q repolist --enabled </dev/null | cut -d" " -f1 | grep pgdg')).toBe(
      'pgprov-pgdg-common\npgprov-pgdg-extras\npgprov-pgdg15',
    );
  });

  it('moves its leader, and the next apply keeps it there', async () => {
    await patronictl(
      cluster.host('pg1'),
      `switchover --${os === 'rocky9' || os === 'rocky8' ? 'primary' : 'leader'} pg1 --candidate pg2 --force`,
    );
    await expect.poll(() => sql(cluster.host('pg2'), 'select pg_is_in_recovery()'), { timeout: patience(30_000) }).toBe('f');
    await expect.poll(async () => (await cluster.run('status')).code, { timeout: patience(60_000) }).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('comes back after a reboot', async () => {
    const pg3 = cluster.host('pg3');
    await pg3.stop();
    await pg3.start();
    await expect
      .poll(async () => (await describeMembers(cluster.host('pg2'))).find((line) => line.startsWith('pg3')), { timeout: patience(60_000) })
      .toBe('pg3 Replica streaming');
    expect(await must(pg3, `cat ${places.data}/PG_VERSION`)).toBe('15');
  });
});
