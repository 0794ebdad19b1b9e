import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/** A cluster that loses members, with a client that writes all the while. */
describe('members that go', () => {
  let cluster: TestCluster;
  let writer: Writer;
  /** Who is left of it. */
  let left: string[] = [];

  const host = (name: string): LabHost => cluster.host(name);
  const addressOf = (name: string): string => host(name).address;
  /** The inventory has these hosts. */
  const has = async (hosts: Record<string, unknown>): Promise<void> => {
    const base = parse(await readFile(cluster.file, 'utf8')) as Record<string, unknown>;
    await writeFile(cluster.file, stringify({ ...base, ...withClient(), hosts }));
  };
  const plain = (...names: string[]): Record<string, unknown> => Object.fromEntries(names.map((name) => [name, addressOf(name)]));
  const written = async (): Promise<Record<string, unknown>> =>
    (parse(await readFile(cluster.file, 'utf8')) as { hosts: Record<string, unknown> }).hosts;
  const etcdNames = async (on: LabHost): Promise<string[]> =>
    (await etcdctl(on, 'member list'))
      .split('\n')
      .map((line) => line.split(', ')[2] ?? '')
      .sort();
  const leader = async (on: LabHost): Promise<string> =>
    (await describeMembers(on)).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '';
  /** The cluster is these members, by the word of etcd, Patroni and PostgreSQL, and knows of no other; its plan is empty. */
  const isWhole = async (...names: string[]): Promise<void> => {
    const on = host(names[0] as string);
    await expect
      .poll(
        async () =>
          (await describeMembers(on).catch(() => [])).filter((line) => /(?:Leader running|Replica streaming)$/u.test(line)).length,
        {
          timeout: patience(120_000),
        },
      )
      .toBe(names.length);
    expect((await describeMembers(on)).map((line) => line.split(' ')[0]).sort()).toEqual([...names].sort());
    expect(await etcdNames(on)).toEqual([...names].sort());
    expect(await etcdctl(on, 'endpoint health --cluster')).not.toContain('unhealthy');
    const leads = await leader(on);
    const standbys = names.filter((name) => name !== leads).sort();
    expect((await sql(host(leads), 'select slot_name from pg_replication_slots order by 1')).split('\n').filter(Boolean)).toEqual(standbys);
    for (const name of names) {
      const gone = cluster.hosts.filter((each) => !names.includes(each.name)).map(({ address }) => address);
      for (const address of gone)
        expect(
          await must(
            host(name),
            `grep -rlF ${address} /etc/patroni /etc/postgresql /etc/hosts /var/lib/postgresql/.pgpass 2>/dev/null; true`,
          ),
        ).toBe('');
    }
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    expect(await writer.lost([])).toEqual([]);
  };
  const processes = (...names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => must(host(name), 'systemctl show -p MainPID etcd patroni; pgrep -o -x postgres')));
  const runsOn = (name: string): Promise<string> =>
    must(host(name), 'systemctl is-active patroni etcd; systemctl is-enabled patroni etcd; pgrep -x postgres; true');

  beforeAll(async () => {
    cluster = await TestCluster.start('remove', 'debian13', 4, 'packages');
    await has(plain('pg1', 'pg2', 'pg3'));
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    await sql(
      host('pg1'),
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    writer = await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it('leave by the same command where pgprov was killed at each step of it, and nothing that stays is restarted', async () => {
    const before = await processes('pg1', 'pg2');
    const remove = ['remove', cluster.file, '--host', 'pg3', '--yes', '--output', 'plain'];
    const check = await pgprov('remove', cluster.file, '--host', 'pg3', '--check');
    expect(check.all).toContain('etcd then has 2 members and bears the loss of none');
    await killAtEach(remove, [/remove\/stop /u, /remove\/leave-store/u, /remove\/stop-store/u, /remove\/slots/u, /base\//u]);
    const removed = await pgprov(...remove);
    expect(removed.code, removed.all).toBe(0);
    expect(await processes('pg1', 'pg2')).toEqual(before);
    expect(await written()).toMatchObject({ pg3: { address: addressOf('pg3'), absent: true } });
    await isWhole('pg1', 'pg2');
    expect((await runsOn('pg3')).split('\n')).toEqual(['inactive', 'inactive', 'disabled', 'disabled']);
    expect(await must(host('pg3'), 'ls /var/lib/postgresql/*/main/PG_VERSION')).not.toBe('');
    const again = await pgprov(...remove);
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('pg3 is no part of demo')]);
  });

  it('are named with the command while the cluster has them and the inventory has not, and nothing is changed', async () => {
    const absent = { address: addressOf('pg2'), absent: true };
    for (const hosts of [{ ...plain('pg1'), pg2: absent }, plain('pg1')]) {
      await has(hosts);
      for (const command of ['plan', 'diff', 'status']) {
        const told = await pgprov(command, cluster.file);
        expect([command, told.code === 0, told.all]).toEqual([command, false, expect.stringMatching(/pgprov remove \S+ --host pg2/u)]);
      }
      const applied = await pgprov('apply', cluster.file, '--yes');
      expect([applied.code === 0, applied.all]).toEqual([false, expect.stringContaining('pgprov remove')]);
    }
    const lives = await pgprov('remove', cluster.file, '--host', 'pg2', '--dead', '--yes');
    expect([lives.code, lives.all]).toEqual([4, expect.stringContaining('pg2 cannot be reached from here, and lives')]);
    await has(plain('pg1', 'pg2'));
    const answers = await pgprov('remove', cluster.file, '--host', 'pg2', '--dead', '--yes');
    expect([answers.code, answers.all]).toEqual([4, expect.stringContaining('pg2 answers, so it is not dead')]);
    const unknown = await pgprov('remove', cluster.file, '--host', 'pg9', '--yes');
    expect([unknown.code, unknown.all]).toEqual([2, expect.stringContaining('pg9')]);
    await isWhole('pg1', 'pg2');
  });

  it('hand the lead over before, where one of them leads', async () => {
    await has(plain('pg1', 'pg2', 'pg4'));
    const joined = await pgprov('apply', cluster.file, '--yes');
    expect(joined.code, joined.all).toBe(0);
    await isWhole('pg1', 'pg2', 'pg4');
    const leads = await leader(host('pg1'));
    const removed = await pgprov('remove', cluster.file, '--host', leads, '--yes');
    expect(removed.code, removed.all).toBe(0);
    expect(removed.all).toMatch(/writes paused for/u);
    left = ['pg1', 'pg2', 'pg4'].filter((name) => name !== leads);
    await isWhole(...left);
  });

  /** Makes of a host a machine on which nothing is, but for packages. */
  const wipe = (name: string): Promise<string> =>
    must(
      host(name),
      'systemctl disable --now patroni etcd 2>/dev/null; pkill -9 -x postgres; rm -rf /var/lib/etcd/* /var/lib/postgresql/*/main /var/lib/pgprov /etc/patroni/config.yml /var/lib/postgresql/.pgpass',
    );

  it('are replaced when their machine is lost, by the same command where pgprov was killed at each step of it', async () => {
    const [first = '', second = ''] = left;
    await wipe('pg3');
    await has(plain(first, second, 'pg3'));
    const joined = await pgprov('apply', cluster.file, '--yes');
    expect(joined.code, joined.all).toBe(0);
    await isWhole(first, second, 'pg3');
    const spare = ['pg1', 'pg2', 'pg4'].find((name) => !left.includes(name)) as string;
    await wipe(spare);
    await host(second).kill();
    await has(plain(first, second, 'pg3', spare));
    const unsaid = await pgprov('replace', cluster.file, '--host', second, '--by', spare, '--yes');
    expect(unsaid.code, unsaid.all).toBe(4);
    const replace = ['replace', cluster.file, '--host', second, '--by', spare, '--dead', '--yes', '--output', 'plain'];
    await killAtEach(replace, [/replace\/leave-store/u, /etcd\/join/u, /patroni\/start/u]);
    const replaced = await pgprov(...replace);
    expect(replaced.code, replaced.all).toBe(0);
    left = [first, spare, 'pg3'];
    await isWhole(...left);
  });

  it('are replaced by a new machine of the same name', async () => {
    await wipe('pg3');
    const replaced = await pgprov('replace', cluster.file, '--host', 'pg3', '--dead', '--yes', '--output', 'plain');
    expect(replaced.code, replaced.all).toBe(0);
    await isWhole(...left);
  });
});
