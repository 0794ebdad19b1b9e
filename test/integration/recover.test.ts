import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { placesOf } from './support/places.js';

describe('pgprov recover', () => {
  let cluster: TestCluster;
  let committed = 0;

  const recover = (...words: string[]): Promise<Finished> => pgprov('recover', cluster.file, ...words);
  const rest = async (host: LabHost): Promise<string> => (await host.exec(`curl -s http://${host.address}:8008/patroni`)).stdout;
  const others = (first: LabHost): [LabHost, LabHost] => cluster.hosts.filter((host) => host !== first) as [LabHost, LabHost];

  /** Commits that a client was told of. */
  const commit = async (host: LabHost, rows = 1000): Promise<void> => {
    await sql(host, `insert into proof select generate_series(${committed + 1}, ${committed + rows})`);
    committed += rows;
  };

  const leader = async (): Promise<LabHost> => {
    const lines = await describeMembers(cluster.host('pg1'));
    return cluster.host(lines.find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? 'pg1');
  };

  /** By PostgreSQL, Patroni and etcd themselves: one leads, the others stream on its timeline, and every commit is on all of them. */
  const expectWhole = async (first: string): Promise<void> => {
    await expect
      .poll(() => describeMembers(cluster.host('pg1')).catch(() => []), { timeout: patience(60_000) })
      .toEqual(cluster.hosts.map(({ name }) => (name === first ? `${name} Leader running` : `${name} Replica streaming`)));
    // A standby shows a commit a moment after it streams.
    await expect
      .poll(() => Promise.all(cluster.hosts.map((host) => sql(host, 'select count(*) from proof'))), { timeout: patience(20_000) })
      .toEqual(cluster.hosts.map(() => String(committed)));
    const identifiers = await Promise.all(cluster.hosts.map((host) => controldata(host, 'Database system identifier')));
    const known = await etcdctl(cluster.host('pg1'), 'get /service/demo/initialize --print-value-only');
    expect(new Set([...identifiers, known]).size).toBe(1);
    const received = "select received_tli from pg_stat_wal_receiver where status = 'streaming'";
    const timelines = await Promise.all(others(cluster.host(first)).map((host) => sql(host, received)));
    // The control file has a new timeline only after the next checkpoint.
    const own = await sql(cluster.host(first), "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int");
    expect(timelines).toEqual([own, own]);
  };

  const patch = async (body: object): Promise<void> => {
    const credentials = `patroni:${await cluster.password('patroni.restapi_password')}`;
    const [{ address }] = cluster.hosts as [LabHost];
    await must(cluster.host('pg1'), `curl -sf -u '${credentials}' -X PATCH -d '${JSON.stringify(body)}' http://${address}:8008/config`);
  };

  /** Only `last` has what is committed at the end; Patroni is stopped everywhere. */
  const stopAll = async (last: LabHost): Promise<void> => {
    for (const host of others(last)) await must(host, 'systemctl stop patroni');
    await commit(last);
    await must(last, 'systemctl stop patroni');
  };

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    await sql(cluster.host('pg1'), 'create table proof (n int)');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('corrects a setting that no PostgreSQL starts with, and starts the member with the last commits first, also after it was killed', async () => {
    const [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await patch({ postgresql: { parameters: { shared_buffers: '500GB', work_mem: '13MB' } } });
    // The standby first, then the leader: pg2 takes over, and only pg2 has what is committed from then on.
    for (const host of [pg3, pg1, pg2]) {
      if (host === pg2) {
        await expect.poll(() => sql(pg2, 'select pg_is_in_recovery()'), { timeout: patience(90_000) }).toBe('f');
        await commit(pg2);
      }
      await must(host, 'systemctl restart patroni');
      await expect.poll(() => rest(host), { timeout: patience(60_000) }).toMatch(/start failed/u);
    }
    await expect.poll(() => etcdctl(pg1, 'get /service/demo/leader --print-value-only'), { timeout: patience(60_000) }).toBe('');

    const shown = await recover('--check');
    expect(shown.code, shown.all).toBe(0);
    expect(shown.all).toContain('2. stop Patroni on pg1, pg2 and pg3, and see that no PostgreSQL runs');
    expect(shown.all).toContain('shared_buffers = 500GB is taken away');
    expect(shown.all).toContain('could not map anonymous shared memory: Cannot allocate memory');
    expect(shown.all).toContain('start pg2, which has the last commits, alone, and wait until it leads');

    const killed = start(['recover', cluster.file, '--yes']);
    await killed.printed(/correct the dynamic configuration/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const { code, all } = await recover('--yes');
    expect(code, all).toBe(0);
    await expectWhole('pg2');
    const config = await patronictlConfig(pg1);
    expect(config).not.toContain('shared_buffers');
    expect(config).toContain('work_mem: 13MB');
    const enabled = await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl is-enabled patroni')));
    expect(enabled).toEqual(['enabled', 'enabled', 'enabled']);
    const again = await recover('--yes');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('pg2 leads, and all members that can be reached stream from it')]);
  });

  it('gives the scope its identity back where etcd has lost it, and never makes a new cluster over the data', async () => {
    const last = await leader();
    const before = await patronictlConfig(last);
    const identifier = await controldata(last, 'Database system identifier');
    await stopAll(last);
    await etcdctl(cluster.host('pg1'), 'del --prefix /service/demo/');
    const apply = await pgprov('apply', cluster.file, '--yes');
    expect(apply.code, apply.all).toBe(4);
    const { code, all } = await recover('--yes');
    expect(code, all).toBe(0);
    expect(all).toContain(`patroni.dynamic.json of ${last.name}`);
    await expectWhole(last.name);
    expect(await etcdctl(last, 'get /service/demo/initialize --print-value-only')).toBe(identifier);
    expect(await patronictlConfig(last)).toBe(before);
  });

  longCase(
    'etcd without its data',
    'makes a new etcd where two of three members have lost their data, and puts the rest of it aside',
    async () => {
      const last = await leader();
      const before = await patronictlConfig(last);
      await stopAll(last);
      for (const host of cluster.hosts) await must(host, 'systemctl stop etcd');
      for (const host of others(last)) await must(host, 'rm -rf /var/lib/etcd/demo/member');
      const { code, all } = await recover('--yes');
      expect(code, all).toBe(0);
      expect(await must(last, 'ls -d /var/lib/etcd/demo.aside-*/member')).toContain('member');
      await expectWhole(last.name);
      expect(await patronictlConfig(last)).toBe(before);
    },
  );

  longCase(
    'a power cut of all members',
    'starts the furthest first after a power cut, and goes on without a host only where that is told',
    async () => {
      const last = await leader();
      const [one, two] = others(last);
      await must(one, 'systemctl disable --now patroni');
      await must(two, 'systemctl disable --now patroni');
      await commit(last);
      await must(last, 'systemctl disable patroni');
      await Promise.all(cluster.hosts.map((host) => host.kill()));
      await Promise.all([one, two].map((host) => host.start()));
      const refused = await recover('--yes');
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringContaining(`nobody leads, and ${last.name}, which cannot be reached, may have the last commits`),
      ]);
      expect(refused.all).toContain(`--without ${last.name}`);
      await last.start();
      const { code, all } = await recover('--yes');
      expect(code, all).toBe(0);
      await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl enable patroni')));
      await expectWhole(last.name);
    },
  );

  longCase('a member that cannot start', 'gives PostgreSQL its data back, and names a member that has to be rebuilt', async () => {
    const first = await leader();
    const [standby] = others(first);
    const { data } = placesOf(standby.os);
    await must(standby, `systemctl stop patroni; chown root ${data}/global/pg_control; chmod 0755 ${data}`);
    await commit(first);
    await must(standby, 'systemctl start patroni || :');
    const { code, all } = await recover('--yes');
    expect(code, all).toBe(0);
    expect(all).toContain(`${data}/global/pg_control belongs to root`);
    await expectWhole(first.name);
  });
});
