import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, start } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/** A cluster that gets members and loses some, with a client that writes all the while. */
describe('members that come', () => {
  let cluster: TestCluster;
  let writer: Writer;
  let [pg1, pg2, pg3]: LabHost[] = [] as LabHost[];

  /** The inventory has these hosts. */
  const has = async (...names: string[]): Promise<void> => {
    const base = parse(await readFile(cluster.file, 'utf8')) as Record<string, unknown>;
    const hosts = Object.fromEntries(names.map((name) => [name, cluster.host(name).address]));
    await writeFile(cluster.file, stringify({ ...base, ...withClient(), hosts }));
  };
  /** The members of etcd, by name, and whether they vote. */
  const etcd = async (host: LabHost): Promise<string[]> =>
    (await etcdctl(host, 'member list'))
      .split('\n')
      .map((line) => line.split(', '))
      .map(([, state = '', name = '', , , learner = '']) => `${name} ${state}${learner === 'true' ? ' learner' : ''}`)
      .sort();
  const started = (...names: string[]): string[] => names.map((name) => `${name} started`);
  const streaming = (...names: string[]): string[] =>
    names.map((name, at) => `${name} ${at === 0 ? 'Leader running' : 'Replica streaming'}`);
  const isWhole = async (...names: string[]): Promise<void> => {
    await expect.poll(() => describeMembers(pg1 as LabHost).catch(() => []), { timeout: patience(120_000) }).toEqual(streaming(...names));
    expect(await etcd(pg1 as LabHost)).toEqual(started(...names));
    expect(await etcdctl(pg1 as LabHost, 'endpoint health --cluster')).not.toContain('unhealthy');
    expect((await sql(pg1 as LabHost, 'select application_name from pg_stat_replication order by 1')).split('\n')).toEqual(names.slice(1));
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
  };
  const processes = async (): Promise<string[]> =>
    Promise.all([pg1, pg2, pg3].map((host) => must(host as LabHost, 'systemctl show -p MainPID etcd patroni')));

  beforeAll(async () => {
    cluster = await TestCluster.start('members', 'debian13', 5, 'packages');
    [pg1, pg2, pg3] = cluster.hosts;
    await has('pg1', 'pg2', 'pg3');
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    await sql(
      pg1 as LabHost,
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    writer = await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it('join by the same command where pgprov was killed at each step of it', async () => {
    await has('pg1', 'pg2', 'pg3', 'pg4');
    const apply = ['apply', cluster.file, '--yes', '--output', 'plain'];
    await killAtEach(apply, [/etcd\/configure/u, /pg4 {2}connected/u]);
    // The power goes at the moment when the others list it.
    const cut = start(apply);
    await expect
      .poll(() => etcdctl(pg1 as LabHost, 'member list').catch(() => ''), { timeout: patience(120_000), interval: 100 })
      .toContain(cluster.host('pg4').address);
    await cluster.host('pg4').kill();
    cut.process.kill('SIGKILL');
    await cut.finished;
    expect(await etcd(pg1 as LabHost)).toHaveLength(4);
    await cluster.host('pg4').start();
    await killAtEach(apply, [/etcd\/join/u, /pg4 {2}patroni\/start/u]);
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    await isWhole('pg1', 'pg2', 'pg3', 'pg4');
    expect(await writer.lost([])).toEqual([]);
  });

  it('are not taken while etcd cannot take one, and nothing is changed for that', async () => {
    await has('pg1', 'pg2', 'pg3', 'pg4', 'pg5');
    await must(cluster.host('pg4'), 'systemctl stop etcd');
    await cluster.host('pg4').kill();
    const refused = await pgprov('apply', cluster.file, '--yes');
    expect(refused.code, refused.all).not.toBe(0);
    expect(await etcd(pg1 as LabHost)).toEqual(started('pg1', 'pg2', 'pg3', 'pg4'));
    await cluster.host('pg4').start();
    await expect
      .poll(() => etcdctl(pg1 as LabHost, 'endpoint health --cluster').catch(() => 'unhealthy'), { timeout: patience(120_000) })
      .not.toContain('unhealthy');
  });

  it('join etcd without a vote until they have caught up, and stream, while nothing that runs is restarted', async () => {
    const before = await processes();
    await has('pg1', 'pg2', 'pg3', 'pg4', 'pg5');
    const plan = await pgprov('plan', cluster.file);
    expect(plan.all).toContain('etcd gets pg5, without a vote until it has caught up; with 5 members it bears the loss of 2');
    expect(plan.all).toContain('PostgreSQL keeps running on every member, and pg1 stays the leader');
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    await isWhole('pg1', 'pg2', 'pg3', 'pg4', 'pg5');
    expect(await processes()).toEqual(before);
    expect(await writer.lost([])).toEqual([]);
  });
});
