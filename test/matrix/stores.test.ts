import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/** A store of Patroni, as these tests look at it from outside. */
interface Store {
  /** Its role, its unit, and `dcs` of the inventory. */
  name: 'etcd' | 'consul';
  /** What messages call it. */
  title: string;
  /** A variable whose other value takes a restart of its members. */
  restarting: string;
  /** What its members have, to be taken away while they are down. */
  data: string;
  /** Members without data start, and make an empty store. */
  startsEmpty: boolean;
  /** One of Patroni's keys; empty where there is none. */
  key(host: LabHost, name: string): Promise<string>;
}

const CONSUL_TLS = '/etc/consul.d/tls';

const STORES: readonly Store[] = [
  {
    name: 'etcd',
    title: 'etcd',
    restarting: 'etcd.heartbeat_interval=150',
    data: '/var/lib/etcd/demo/member',
    startsEmpty: false,
    key: (host, name) => etcdctl(host, `get --print-value-only /service/demo/${name}`),
  },
  {
    name: 'consul',
    title: 'Consul',
    restarting: 'consul.raft_multiplier=3',
    data: '/var/lib/consul/raft /var/lib/consul/serf /var/lib/consul/node-id',
    startsEmpty: true,
    key: (host, name) =>
      must(
        host,
        `curl -sf --cacert ${CONSUL_TLS}/ca.crt --cert ${CONSUL_TLS}/node.crt --key ${CONSUL_TLS}/node.key -H "X-Consul-Token: $(cat ${CONSUL_TLS}/management.token)" 'https://127.0.0.1:8501/v1/kv/service/demo/${name}?raw' || :`,
      ),
  },
];

describe.each(STORES)('three members with $name as the store', ({ name: unit, title, restarting, data, startsEmpty, key }) => {
  const roles = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', unit, 'patroni'];
  let cluster: TestCluster;
  let writer: Writer;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  const on = (command: string, hosts: readonly LabHost[] = cluster.hosts): Promise<string[]> =>
    Promise.all(hosts.map((host) => must(host, command)));
  const applied = async (): Promise<string> => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    return run.all;
  };
  /** The leader, once all three work; Patroni before 3.1 calls a standby that streams running. */
  const whole = async (): Promise<LabHost> => {
    const members = (): Promise<string[]> => describeMembers(pg1).catch(() => []);
    await expect
      .poll(async () => (await members()).filter((line) => /(?:Leader running|Replica (?:streaming|running))$/u.test(line)).length, {
        timeout: patience(120_000),
      })
      .toBe(3);
    return cluster.host((await members()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start(`store-${unit}`, 'debian13', 3, 'packages');
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await cluster.write({ dcs: unit, roles, ...withClient({ firewall: { backend: 'nftables' } }) });
    // Not planned: where nftables is not installed yet, nobody knows its tables.
    const made = await pgprov('apply', cluster.file, '--yes');
    expect(made.code, made.all).toBe(0);
    await sql(pg1, `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`);
    writer = await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it('are made by the first apply, and left as they are by the second', async () => {
    expect(await applied()).toMatch(/No changes: 3 hosts are as the inventory says/u);
    expect((await whole()).name).toBe('pg1');
    expect(await key(pg2, 'initialize')).toBe(await controldata(pg2, 'Database system identifier'));
    expect(await key(pg3, 'leader')).toBe('pg1');
    const status = await cluster.run('status');
    expect(status.code, status.all).toBe(0);
  });

  it('hand the lead over, with no acknowledged row lost', async () => {
    const switched = await cluster.run('switchover', '--to', 'pg2', '--yes');
    expect(switched.code, switched.all).toBe(0);
    expect((await whole()).name).toBe('pg2');
    expect(await key(pg1, 'leader')).toBe('pg2');
    expect(await writer.lost([])).toEqual([]);
  });

  it('have no member of it restarted where the others would be no quorum, and their leader back once it has one again', async () => {
    const leader = await whole();
    await on(`systemctl stop ${unit}`, [pg3]);
    const refused = await cluster.run('apply', '--host', 'pg1,pg2', '--set', restarting);
    expect([refused.code, refused.all]).toEqual([
      4,
      expect.stringMatching(
        new RegExp(`pg3 is not healthy: a restart of ${unit} here would leave 1 of 3 members, and a quorum needs 2`, 'u'),
      ),
    ]);
    await on(`systemctl stop ${unit}`, [pg1]);
    const journal = (): Promise<string> => must(leader, 'journalctl -u patroni -o cat --no-pager -n 50');
    await expect.poll(journal, { timeout: patience(90_000) }).toMatch(/demot\w+ self because DCS is not accessible/iu);
    expect((await cluster.run('status')).code).toBe(1);
    const switched = await cluster.run('switchover', '--yes');
    expect([switched.code, switched.all]).toEqual([
      4,
      expect.stringMatching(new RegExp(`${title} has no quorum|the cluster has no leader`, 'u')),
    ]);
    await applied();
    await whole();
    expect(await writer.lost([])).toEqual([]);
  });

  it('get no new cluster over data that is there when it was wiped: apply refuses, recover gives the scope its identity back', async () => {
    const identifier = await controldata(pg1, 'Database system identifier');
    const rows = Number(await sql(await whole(), 'SELECT count(*) FROM walk'));
    await writer.stop();
    await on('systemctl stop patroni');
    await on(`systemctl stop ${unit}`);
    await on(`rm -rf ${data}`);
    const expectRefusal = async (): Promise<void> => {
      const refused = await cluster.run('apply');
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringMatching(new RegExp(`${title} does not know the PostgreSQL cluster that is the data of demo`, 'u')),
      ]);
      expect(await on('systemctl is-active patroni || :')).toEqual(['inactive', 'inactive', 'inactive']);
    };
    await expectRefusal();
    if (startsEmpty) {
      await on(`systemctl start --no-block ${unit}`);
      await expectRefusal();
      expect(await key(pg1, 'initialize')).toBe('');
    }
    const recovered = await cluster.run('recover', '--yes');
    expect(recovered.code, recovered.all).toBe(0);
    expect(await key(pg1, 'initialize')).toBe(identifier);
    expect(Number(await sql(await whole(), 'SELECT count(*) FROM walk'))).toBeGreaterThanOrEqual(rows);
    await applied();
  });
});
