import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'consul', 'patroni'];

/** Asks the agent on a host over HTTP, with a token in a file or without; prints the answer and its status. */
const asked = (host: LabHost, path: string, token?: string): Promise<string> => {
  const tls = '/etc/consul.d/tls';
  const header = token === undefined ? '' : `-H "X-Consul-Token: $(cat ${tls}/${token}.token)"`;
  return must(
    host,
    `curl -s --cacert ${tls}/ca.crt --cert ${tls}/node.crt --key ${tls}/node.key ${header} -w ' %{http_code}' 'https://127.0.0.1:8501/v1/${path}'`,
  );
};
const key = (host: LabHost, name: string): Promise<string> => asked(host, `kv/service/demo/${name}?raw`, 'management');

/** The leader, once so many members work by what patronictl says of them; Patroni before 3.1 calls a standby that streams running. */
async function whole(cluster: TestCluster, count: number): Promise<string> {
  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1')).catch(() => []);
  await expect
    .poll(async () => (await members()).filter((line) => /(?:Leader running|Replica (?:streaming|running))$/u.test(line)).length, {
      timeout: patience(120_000),
    })
    .toBe(count);
  return (await members()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';
}

async function applied(cluster: TestCluster, ...words: string[]): Promise<string> {
  const run = await cluster.run('apply', ...words);
  expect(run.code, run.all).toBe(0);
  return run.all;
}

describe('Consul as the store of Patroni, three servers on the members', () => {
  let cluster: TestCluster;
  let writer: Writer;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  const on = (command: string, hosts: readonly LabHost[] = cluster.hosts): Promise<string[]> =>
    Promise.all(hosts.map((host) => must(host, command)));

  beforeAll(async () => {
    cluster = await TestCluster.start('consul', 'debian13', 3, 'packages');
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await cluster.write({ roles: ROLES, ...withClient({ firewall: { backend: 'nftables' } }) });
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

  it('is made by the first apply, and left as it is by the second', async () => {
    expect(await applied(cluster)).toMatch(/No changes: 3 hosts are as the inventory says/u);
    expect(await whole(cluster, 3)).toBe('pg1');
    expect(await key(pg2, 'initialize')).toBe(`${await controldata(pg2, 'Database system identifier')} 200`);
    expect(await key(pg3, 'leader')).toBe('pg1 200');
    const health = JSON.parse((await asked(pg1, 'operator/autopilot/health', 'management')).replace(/ 200$/u, '')) as {
      Servers: { Name: string; Voter: boolean; Healthy: boolean }[];
    };
    expect(health.Servers.map(({ Name, Voter, Healthy }) => [Name, Voter, Healthy]).sort()).toEqual(
      ['pg1', 'pg2', 'pg3'].map((name) => [name, true, true]),
    );
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([0, expect.stringMatching(/pg1 {2}consul: Consul 1\.8\.7: \w+, 3 of 3 servers healthy/u)]);
    expect((await cluster.run('doctor')).all).toMatch(/nothing is wrong/u);
  });

  it('lets nobody in without a token and a certificate, Patroni to its own keys alone, and shows tokens to root alone', async () => {
    expect(await asked(pg1, 'kv/service/demo/initialize')).toMatch(/Permission denied.* 403$/su);
    expect(await asked(pg1, 'kv/service/demo/?recurse')).toMatch(/Permission denied.* 403$/su);
    expect(await asked(pg1, 'kv/service/demo/?keys', 'patroni')).toMatch(/"service\/demo\/initialize".* 200$/su);
    for (const path of ['kv/service/other/initialize', 'kv/?recurse', 'acl/tokens', 'operator/raft/configuration'])
      expect([path, await asked(pg1, path, 'patroni')]).toEqual([path, expect.stringMatching(/Permission denied.* 403$/su)]);
    const withoutCertificate = await pg1.exec('curl -s --cacert /etc/consul.d/tls/ca.crt https://127.0.0.1:8501/v1/status/leader');
    expect(withoutCertificate.code).not.toBe(0);
    expect(await must(pg1, "ss -Hltn | grep -c -E ':(8500|8600) ' || :")).toBe('0');
    const modes = await must(
      pg1,
      "stat -c '%a %U %n' /etc/consul.d/pgprov.json /etc/consul.d/tls/*.token /etc/consul.d/tls/node.key /etc/patroni/config.yml",
    );
    expect(modes.split('\n').map((line) => line.split(' ')[0])).toEqual(['600', '600', '600', '600', '600']);
    expect(await must(pg1, 'nft list chain inet filter pgprov-demo')).toMatch(/udp dport 8301 accept/u);
    expect(await must(pg1, 'journalctl -u consul -o cat --no-pager')).not.toMatch(/skipping file|probes failed/u);
  });

  it('hands the lead over, and has its servers restarted one after the other, with no acknowledged row lost', async () => {
    const switched = await cluster.run('switchover', '--to', 'pg2', '--yes');
    expect(switched.code, switched.all).toBe(0);
    expect(await whole(cluster, 3)).toBe('pg2');
    expect(await key(pg1, 'leader')).toBe('pg2 200');

    const starts = (): Promise<string[]> => on('systemctl show -P ActiveEnterTimestampMonotonic consul');
    const before = await starts();
    const restarted = await cluster.run('restart', '--service', 'consul', '--yes');
    expect(restarted.code, restarted.all).toBe(0);
    const after = await starts();
    expect(after.filter((start) => before.includes(start))).toEqual([]);
    expect(restarted.all).toMatch(/restart consul[\s\S]*every server of Consul is healthy[\s\S]*restart consul/u);
    expect(await whole(cluster, 3)).toBe('pg2');
    expect(await writer.lost([])).toEqual([]);
    const wrong = await cluster.run('restart', '--service', 'etcd', '--yes');
    expect([wrong.code, wrong.all]).toEqual([2, expect.stringMatching(/store in demo is Consul/u)]);
  });

  it('takes every variable over, the servers one after the other', async () => {
    await cluster.write({
      roles: ROLES,
      consul: { raft_multiplier: 2, register_service: true },
      ...withClient({ firewall: { backend: 'nftables' } }),
    });
    await applied(cluster);
    expect(await on("sed -n 's/.*raft_multiplier\": //p' /etc/consul.d/pgprov.json")).toEqual(['2', '2', '2']);
    const services = async (): Promise<string[]> => {
      const answer = (await asked(pg1, 'catalog/service/demo', 'management')).replace(/ 200$/u, '');
      return (JSON.parse(answer) as { ServiceID: string; ServiceTags: string[] }[]).map(
        ({ ServiceID, ServiceTags }) => `${ServiceID} ${ServiceTags.includes('replica') ? 'replica' : 'primary'}`,
      );
    };
    await expect
      .poll(async () => (await services()).sort(), { timeout: patience(60_000) })
      .toEqual(['demo/pg1 replica', 'demo/pg2 primary', 'demo/pg3 replica']);
    expect(await applied(cluster)).toMatch(/No changes/u);
    expect(await whole(cluster, 3)).toBe('pg2');
  });

  it('renews certificates, and the authority, without a quorum lost', async () => {
    const former = await on('sha256sum </etc/consul.d/tls/node.crt');
    for (const words of [['--all'], ['--ca']]) {
      const renewed = await pgprov('certs', 'renew', cluster.file, ...words, '--yes');
      expect([words, renewed.code], renewed.all).toEqual([words, 0]);
    }
    const present = await on('sha256sum </etc/consul.d/tls/node.crt');
    expect(present.filter((sum) => former.includes(sum))).toEqual([]);
    expect((await pgprov('certs', 'status', cluster.file)).all).toMatch(/pg3 +consul .* as in the store +yes/u);
    expect(await whole(cluster, 3)).toBe('pg2');
    expect(await writer.lost([])).toEqual([]);
  });

  it('takes a server back that has lost its data', async () => {
    await on('systemctl stop consul && rm -rf /var/lib/consul/raft /var/lib/consul/serf /var/lib/consul/node-id', [pg3]);
    await applied(cluster);
    await whole(cluster, 3);
    expect((await cluster.run('status')).code).toBe(0);
  });
});

describe('Consul on a host of its own, with agents on two members', () => {
  let cluster: TestCluster;
  let server: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('consul-apart', 'debian12', 3, 'packages');
    server = cluster.host('pg3');
    const member = [...ROLES.filter((role) => role !== 'consul'), 'consul-agent'];
    await cluster.write({
      roles: member,
      hosts: Object.fromEntries(
        cluster.hosts.map(({ name, address }) => [name, name === 'pg3' ? { address, roles: ['base', 'firewall', 'consul'] } : { address }]),
      ),
    });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is made by the first apply, left as it is by the second, and hands the lead over', async () => {
    await applied(cluster);
    expect(await applied(cluster)).toMatch(/No changes: 3 hosts/u);
    expect(await whole(cluster, 2)).toBe('pg1');
    expect(await key(server, 'leader')).toBe('pg1 200');
    expect(await must(cluster.host('pg1'), 'ls /etc/consul.d/tls')).toBe('ca.crt\nnode.crt\nnode.key\npatroni.token');
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([0, expect.stringMatching(/pg1 {2}consul-agent: reaches the servers of Consul/u)]);
    const switched = await cluster.run('switchover', '--yes');
    expect(switched.code, switched.all).toBe(0);
    expect(await whole(cluster, 2)).toBe('pg2');
    expect(await key(server, 'leader')).toBe('pg2 200');
  });

  it('leaves the lead where it is when an agent is restarted, and comes back when the server does', async () => {
    await must(cluster.host('pg2'), 'systemctl restart consul');
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(await whole(cluster, 2)).toBe('pg2');
    await must(server, 'systemctl stop consul');
    const journal = (): Promise<string> => must(cluster.host('pg2'), 'journalctl -u patroni -o cat --no-pager -n 50');
    await expect.poll(journal, { timeout: patience(90_000) }).toMatch(/demot\w+ self because DCS is not accessible/iu);
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([1, expect.stringMatching(/the agent of Consul does not answer, or reaches no servers/u)]);
    await must(server, 'systemctl start consul');
    await whole(cluster, 2);
    // A standby streams a moment after its leader leads again.
    await expect.poll(async () => (await cluster.run('status')).code, { timeout: patience(60_000) }).toBe(0);
  });
});
