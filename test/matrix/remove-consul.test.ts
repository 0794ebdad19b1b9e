import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/** A cluster in Consul that loses members, with a client that writes all the while; pg1 stays. */
describe('members that go, with Consul as the store', () => {
  let cluster: TestCluster;
  let writer: Writer;
  let file = '';

  const host = (name: string): LabHost => cluster.host(name);
  const has = async (names: readonly string[]): Promise<void> => {
    const base = parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const hosts = Object.fromEntries(names.map((name) => [name, host(name).address]));
    await writeFile(file, stringify({ ...base, ...withClient(), dcs: 'consul', hosts }));
  };
  const consul = (words: string): Promise<string> => {
    const tls = '/etc/consul.d/tls';
    const settings = `CONSUL_HTTP_ADDR=https://127.0.0.1:8501 CONSUL_CACERT=${tls}/ca.crt CONSUL_CLIENT_CERT=${tls}/node.crt CONSUL_CLIENT_KEY=${tls}/node.key CONSUL_HTTP_TOKEN_FILE=${tls}/management.token`;
    return must(host('pg1'), `${settings} consul ${words}`);
  };
  const processes = (...names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => must(host(name), 'systemctl show -p MainPID consul patroni; pgrep -o -x postgres')));
  /** The cluster is these members, by the word of Consul, Patroni and PostgreSQL; its plan is empty. */
  const isWhole = async (...names: string[]): Promise<void> => {
    const members = (): Promise<string[]> => describeMembers(host('pg1')).catch(() => []);
    await expect
      .poll(async () => (await members()).filter((line) => /(?:Leader running|Replica streaming)$/u.test(line)).length, {
        timeout: patience(120_000),
      })
      .toBe(names.length);
    expect((await members()).map((line) => line.split(' ')[0])).toEqual(names);
    const peers = (await consul('operator raft list-peers')).split('\n').slice(1);
    expect(peers.map((line) => line.split(/\s+/u)[0]).sort()).toEqual(names);
    const agents = (await consul('members')).split('\n').slice(1);
    const there = agents.map((line) => line.split(/\s+/u).slice(0, 3).join(' ')).filter((line) => !line.endsWith(' left'));
    expect(there.sort()).toEqual(names.map((name) => `${name} ${host(name).address}:8301 alive`));
    const plan = await pgprov('plan', file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    const status = await pgprov('status', file);
    expect(status.code, status.all).toBe(0);
    expect(await writer.lost([])).toEqual([]);
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('remcon', 'debian13', 4, 'packages');
    file = cluster.file;
    await has(['pg1', 'pg2', 'pg3']);
    const applied = await pgprov('apply', file, '--yes');
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
    await has(['pg1', 'pg2']);
    const left = await pgprov('apply', file, '--yes');
    expect([left.code === 0, left.all]).toEqual([false, expect.stringMatching(/pgprov remove \S+ --host pg3/u)]);
    await has(['pg1', 'pg2', 'pg3']);
    const before = await processes('pg1', 'pg2');
    const remove = ['remove', file, '--host', 'pg3', '--yes', '--output', 'plain'];
    await killAtEach(remove, [/remove\/stop /u, /remove\/stop-store/u, /base\//u]);
    const removed = await pgprov(...remove);
    expect(removed.code, removed.all).toBe(0);
    expect(await processes('pg1', 'pg2')).toEqual(before);
    await isWhole('pg1', 'pg2');
    const units = 'systemctl is-active patroni consul | sed s,failed,inactive,; systemctl is-enabled patroni consul; true';
    expect((await must(host('pg3'), units)).split('\n')).toEqual(['inactive', 'inactive', 'disabled', 'disabled']);
  });

  it('join, and are replaced when their machine is lost', async () => {
    await has(['pg1', 'pg2', 'pg4']);
    const joined = await pgprov('apply', file, '--yes');
    expect(joined.code, joined.all).toBe(0);
    await isWhole('pg1', 'pg2', 'pg4');
    await must(host('pg3'), 'rm -rf /var/lib/consul/* /var/lib/postgresql/*/main /var/lib/pgprov /etc/patroni/config.yml');
    const leads = (await describeMembers(host('pg1'))).find((line) => line.includes(' Leader '))?.split(' ')[0];
    if (leads === 'pg2') expect((await pgprov('switchover', file, '--to', 'pg1', '--yes')).code).toBe(0);
    await host('pg2').kill();
    await has(['pg1', 'pg2', 'pg3', 'pg4']);
    const replace = ['replace', file, '--host', 'pg2', '--by', 'pg3', '--dead', '--yes', '--output', 'plain'];
    // Consul's autopilot may have taken the lost server out by itself while its lease was waited for.
    await killAtEach(replace, [/replace\/(?:leave-store|slots)/u, /consul\/start/u]);
    const replaced = await pgprov(...replace);
    expect(replaced.code, replaced.all).toBe(0);
    await isWhole('pg1', 'pg3', 'pg4');
  });
});
