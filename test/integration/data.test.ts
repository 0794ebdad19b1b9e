import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictl, sql } from './support/outside.js';

const DATA = '/var/lib/postgresql/17';

describe('a cluster that is down', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;
  let identifier: string;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    identifier = await controldata(pg1, 'Database system identifier');
    await sql(pg1, 'create table proof (n int)');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const members = async (): Promise<string[]> => (await describeMembers(pg1)).map((line) => line.replace(/ (?:running|streaming)$/u, ''));
  const awaitMembers = (...lines: string[]): Promise<void> => expect.poll(members, { timeout: 90_000 }).toEqual(lines);
  const directories = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map((host) => must(host, `find ${DATA} -maxdepth 2 -printf '%p %T@ %i\\n' | sort`)));

  /** Writes a thousand rows on pg2, of which the others get none. */
  async function writeOnPg2Alone(): Promise<void> {
    await must(pg1, 'systemctl stop patroni');
    await must(pg3, 'systemctl stop patroni');
    await sql(pg2, 'insert into proof select generate_series(1, 1000)');
    await must(pg2, 'systemctl stop patroni');
  }

  /** Refused with these words by plan and apply, and no data directory is touched. */
  async function expectRefusal(words: readonly (RegExp | string)[], ...args: string[]): Promise<void> {
    const before = await directories();
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command, ...args);
      for (const each of words) expect(run.all).toMatch(each);
      expect([command, run.code], run.all).toEqual([command, 4]);
      expect(run.all).not.toContain('move the old cluster aside');
    }
    expect(await directories()).toEqual(before);
  }

  it('is started by the member that has the last commits, whatever the inventory’s leader is', async () => {
    await patronictl(pg1, 'switchover --candidate pg2 --force');
    await awaitMembers('pg1 Replica', 'pg2 Leader', 'pg3 Replica');
    await writeOnPg2Alone();
    await expectRefusal([/demo has no leader, and this run leaves out pg2 and pg3, which may have the last commits/u], '--host', 'pg1');
    const plan = await cluster.run('plan');
    expect(plan.all).toContain('patroni starts on pg2, which has the last commits, then on pg1 and pg3');
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await awaitMembers('pg1 Replica', 'pg2 Leader', 'pg3 Replica');
    for (const host of cluster.hosts) expect(await sql(host, 'select count(*) from proof')).toBe('1000');
  });

  it('is started by the primary that still serves while its Patroni is gone', async () => {
    for (const host of [pg1, pg3]) await must(host, 'systemctl stop patroni');
    await must(pg2, 'systemctl kill -s KILL --kill-who=main patroni; systemctl stop patroni');
    await sql(pg2, 'create table served as select generate_series(1, 1000) n');
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await awaitMembers('pg1 Replica', 'pg2 Leader', 'pg3 Replica');
    for (const host of cluster.hosts) expect(await sql(host, 'select count(*) from served')).toBe('1000');
  });

  it('is left unchanged when its members were disabled and etcd has lost its contents', async () => {
    await writeOnPg2Alone();
    for (const host of cluster.hosts)
      await must(host, 'systemctl disable -q patroni; systemctl stop etcd; rm -r /var/lib/etcd/demo/member');
    for (const host of cluster.hosts) await must(host, 'systemctl start --no-block etcd');
    await expect.poll(async () => (await pg1.exec('systemctl is-active etcd')).stdout.trim(), { timeout: 60_000 }).toBe('active');
    await expectRefusal([
      /etcd does not know the PostgreSQL cluster that is the data of demo$/mu,
      new RegExp(
        `^ *pg1: system identifier ${identifier}, timeline \\d, shut down in recovery, last checkpoint at \\S+, last WAL record at`,
        'mu',
      ),
      new RegExp(`^ *pg2: system identifier ${identifier}, timeline \\d, shut down, last checkpoint at`, 'mu'),
      /etcd has lost its contents.*run `systemctl start patroni` on pg2, which has the last commits, and once .* on pg1 and pg3/u,
    ]);
    await expectRefusal(
      [/patroni\.scope is other \(--set patroni\.scope\), but \S+ says demo/u, /→ .*set it back to demo/u],
      '--set',
      'patroni.scope=other',
    );
  });

  it('is left unchanged when a bootstrap that was killed left its mark', async () => {
    await etcdctl(pg1, "put /service/demo/initialize ''");
    await expectRefusal([/etcd does not know the PostgreSQL cluster that is the data of demo/u, /systemctl start patroni` on pg2/u]);
    for (const host of cluster.hosts) await must(host, 'systemctl enable -q patroni');
    await expectRefusal([/etcd does not know the PostgreSQL cluster that is the data of demo/u, /systemctl start patroni` on pg2/u]);
  });

  it('recovers by the advised commands, and an apply continues from there', async () => {
    await must(pg2, 'systemctl start patroni');
    await expect
      .poll(
        async () => (await pg2.exec("curl -s -o /dev/null -w '%{http_code}' http://$(hostname -i | cut -d' ' -f1):8008/primary")).stdout,
        { timeout: 60_000 },
      )
      .toBe('200');
    for (const host of [pg1, pg3]) await must(host, 'systemctl start patroni');
    await awaitMembers('pg1 Replica', 'pg2 Leader', 'pg3 Replica');
    expect((await cluster.run('apply')).code).toBe(0);
    for (const host of cluster.hosts) {
      expect(await sql(host, 'select count(*) from proof')).toBe('2000');
      expect(await controldata(host, 'Database system identifier')).toBe(identifier);
    }
  });
});
