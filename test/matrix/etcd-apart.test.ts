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

const SERVER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'patroni'];
const ETCD = ['base', 'firewall', 'etcd'];

/** pg1 and pg2 are the members; etcd is on pg1 and on hosts of its own, and moves to others while a client writes. */
describe('etcd on hosts of its own', () => {
  let cluster: TestCluster;
  let writer: Writer;
  let file = '';

  const host = (name: string): LabHost => cluster.host(name);
  /** The inventory has etcd on these hosts; those that are absent keep their addresses. */
  const has = async (inEtcd: readonly string[], absent: readonly string[] = []): Promise<void> => {
    const base = parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const hosts = cluster.hosts.flatMap(({ name, address }): [string, unknown][] => {
      if (absent.includes(name)) return [[name, { address, roles: ETCD, absent: true }]];
      if (['pg1', 'pg2'].includes(name)) return [[name, { address, roles: inEtcd.includes(name) ? [...SERVER, 'etcd'] : SERVER }]];
      return inEtcd.includes(name) ? [[name, { address, roles: ETCD }]] : [];
    });
    await writeFile(file, stringify({ ...base, ...withClient(), hosts: Object.fromEntries(hosts) }));
  };
  const processes = (): Promise<string[]> =>
    Promise.all(['pg1', 'pg2'].map((name) => must(host(name), 'systemctl show -p MainPID patroni; pgrep -o -x postgres')));
  /** Has a run of apply do what the inventory says. */
  const apply = async (): Promise<void> => {
    const applied = await pgprov('apply', file, '--yes');
    expect(applied.code, applied.all).toBe(0);
  };
  const isRefused = async (command: string[], code: number, words: RegExp): Promise<void> => {
    const refused = await pgprov(...command, '--yes');
    expect([refused.code, refused.all]).toEqual([code, expect.stringMatching(words)]);
  };
  /** etcd is these members, all with a vote, and Patroni uses them; the plan is empty, and the same leader leads on the same timeline. */
  const isWhole = async (...names: string[]): Promise<void> => {
    const on = host(names[0] ?? '');
    const listed = (await etcdctl(on, 'member list')).split('\n').map((line) => line.split(', '));
    expect(listed.map((each) => each[2]).sort()).toEqual([...names].sort());
    expect(listed.map((each) => each[5])).toEqual(names.map(() => 'false'));
    expect(await etcdctl(on, 'endpoint health --cluster')).not.toContain('unhealthy');
    for (const name of ['pg1', 'pg2']) {
      const used = await must(host(name), "grep -oE '[0-9.]+:2379' /etc/patroni/config.yml | cut -d : -f 1");
      expect(used.split('\n').sort()).toEqual(names.map((each) => host(each).address).sort());
    }
    await expect
      .poll(() => describeMembers(host('pg1')), { timeout: patience(60_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming']);
    expect(await sql(host('pg1'), 'select timeline_id from pg_control_checkpoint()')).toBe('1');
    const plan = await pgprov('plan', file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    const status = await pgprov('status', file);
    expect(status.code, status.all).toBe(0);
    expect(await writer.lost([])).toEqual([]);
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('etcdapart', 'debian13', 6, 'packages');
    file = cluster.file;
    await has(['pg1', 'pg3', 'pg4']);
    await apply();
    await sql(
      host('pg1'),
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    writer = await Writer.start({ addresses: [host('pg1').address, host('pg2').address], ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it('comes to a host before it leaves another one, by what the refusals say, also where pgprov was killed', async () => {
    await has(['pg3', 'pg4', 'pg5']);
    await isRefused(
      ['apply', file],
      4,
      /give pg1 the role etcd back, beside pg5, and run `pgprov apply \S+`, which has pg5 join; then take it/u,
    );
    await isRefused(['remove', file, '--role', 'etcd'], 4, /pg5 has the role etcd, and is no member of etcd yet/u);
    await isWholeButPlan('pg1', 'pg3', 'pg4');
    await has(['pg1', 'pg3', 'pg4', 'pg5']);
    const before = await processes();
    await apply();
    await isWhole('pg1', 'pg3', 'pg4', 'pg5');
    await isRefused(['remove', file, '--role', 'etcd', '--host', 'pg1'], 2, /the inventory gives pg1 the role etcd/u);
    await has(['pg3', 'pg4', 'pg5']);
    await isRefused(['apply', file], 4, /take pg1 out of etcd, while all else there goes on: `pgprov remove \S+ --role etcd`/u);
    const remove = ['remove', file, '--role', 'etcd', '--yes', '--output', 'plain'];
    const check = await pgprov('remove', file, '--role', 'etcd', '--check');
    expect(check.all).toContain('etcd then has 3 members and bears the loss of 1');
    await killAtEach(remove, [/remove\/leave-store-pg1/u, /remove\/stop-store-pg1/u, /patroni\//u]);
    const removed = await pgprov(...remove);
    expect(removed.code, removed.all).toBe(0);
    await isWhole('pg3', 'pg4', 'pg5');
    expect(await processes()).toEqual(before);
    expect((await must(host('pg1'), 'systemctl is-active etcd; systemctl is-enabled etcd; true')).split('\n')).toEqual([
      'inactive',
      'disabled',
    ]);
    await isRefused(remove, 0, /no host without the role etcd is a member of etcd/u);
  });

  /** etcd is these members, whatever the plan says. */
  async function isWholeButPlan(...names: string[]): Promise<void> {
    const listed = (await etcdctl(host(names[0] ?? ''), 'member list')).split('\n').map((line) => line.split(', ')[2]);
    expect(listed.sort()).toEqual([...names].sort());
  }

  it('loses a host of its own, and gets one', async () => {
    const before = await processes();
    const remove = ['remove', file, '--host', 'pg5', '--yes', '--output', 'plain'];
    await killAtEach(remove, [/remove\/leave-store/u, /remove\/stop-store/u]);
    const removed = await pgprov(...remove);
    expect(removed.code, removed.all).toBe(0);
    await isWhole('pg3', 'pg4');
    await must(host('pg5'), 'rm -rf /var/lib/etcd/*');
    await has(['pg3', 'pg4', 'pg5']);
    await apply();
    await isWhole('pg3', 'pg4', 'pg5');
    expect(await processes()).toEqual(before);
  });

  it('has a host of its own replaced whose machine is lost', async () => {
    const before = await processes();
    await host('pg4').kill();
    await has(['pg3', 'pg4', 'pg5', 'pg6']);
    const replace = ['replace', file, '--host', 'pg4', '--by', 'pg6', '--dead', '--yes', '--output', 'plain'];
    await killAtEach(replace, [/replace\/leave-store/u, /etcd\/join/u]);
    const replaced = await pgprov(...replace);
    expect(replaced.code, replaced.all).toBe(0);
    await isWhole('pg3', 'pg5', 'pg6');
    expect(await processes()).toEqual(before);
  });
});
