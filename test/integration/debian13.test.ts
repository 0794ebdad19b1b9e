import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeSections } from '../../src/engine/survey.js';
import { healthQuestion } from '../../src/resources/etcd/client.js';
import { etcdMember, type EtcdMemberState } from '../../src/resources/etcd/member.js';
import { frameScript } from '../../src/shell/frame.js';
import { NOTHING } from '../../src/shell/quote.js';
import { parseChunks } from '../support/sections.js';
import {
  controldata,
  describeMembers,
  etcdctl,
  fingerprint,
  must,
  patronictlConfig,
  sql,
  sshSessions,
  sudoCommands,
} from './support/outside.js';
import { TestCluster } from './support/cluster.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

describe('a three-node cluster on Debian 13', () => {
  let cluster: TestCluster;
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('it13', 'debian13');
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is applied in one go', () => {
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
  });

  it('has the first leader and two streaming replicas, according to patronictl', async () => {
    // A replica tells etcd that it streams once in loop_wait seconds, so the list lags behind PostgreSQL.
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
  });

  it('replicates what is written', async () => {
    await sql(cluster.host('pg1'), 'create table proof as select 42 as answer');
    await expect.poll(() => sql(cluster.host('pg3'), 'select answer from proof')).toBe('42');
    expect(
      await sql(
        cluster.host('pg1'),
        "select string_agg(application_name || ' ' || state || ' ' || usename, ',' order by application_name) from pg_stat_replication",
      ),
    ).toBe('pg2 streaming replicator,pg3 streaming replicator');
  });

  it('has data checksums, according to pg_controldata', async () => {
    for (const host of cluster.hosts) expect(await controldata(host, 'Data page checksum version')).toBe('1');
  });

  it('has three etcd members, according to etcdctl, and no stray one-node cluster', async () => {
    expect(await etcdctl(cluster.host('pg2'), 'member list')).toMatch(/(?:.*started, pg\d,.*(?:\n|$)){3}/u);
    expect((await cluster.host('pg1').exec('ls /var/lib/etcd')).stdout.trim()).toBe('demo');
  });

  it('refuses etcd clients without a certificate', async () => {
    const stranger = await cluster.host('pg1').exec('curl -sk https://127.0.0.1:2379/version');
    expect(stranger.code).not.toBe(0);
    expect(stranger.stdout).toBe('');
  });

  it('is distinguished from a cluster whose etcd lets such clients in', async () => {
    const { address } = cluster.host('pg1');
    const tls = { caFile: '/etc/etcd/tls/ca.crt', certFile: '/etc/etcd/tls/node.crt', keyFile: '/etc/etcd/tls/node.key' };
    await must(
      cluster.host('pg1'),
      `systemd-run -q --unit=lax etcd --name lax --data-dir /run/lax --listen-client-urls https://${address}:4379 --advertise-client-urls https://${address}:4379 --listen-peer-urls http://127.0.0.1:4380 --initial-advertise-peer-urls http://127.0.0.1:4380 --initial-cluster lax=http://127.0.0.1:4380 --cert-file ${tls.certFile} --key-file ${tls.keyFile} 2>&1`,
    );
    // Each of them is asked by somebody with a certificate first, and all of them by the same program.
    const own = [2379, 4379].map((port) => ({ ...tls, endpoints: [`https://${address}:${port}`] }));
    const asked = own.map((client, index) => ({ ...etcdMember(client, '/var/lib/etcd/demo'), id: `member-${index}` }));
    const early = own.map((client, index) => ({
      id: `early-${index}`,
      sharedQuestions: [healthQuestion(client)],
      probe: () => NOTHING,
      parse: () => true,
    }));
    const look = async (): Promise<EtcdMemberState[]> => {
      const { text, nonce } = frameScript(probeSections([...early, ...asked]));
      const { answers } = parseChunks(nonce, [Buffer.from((await cluster.host('pg1').exec('sh -s', { input: text })).stdout)]);
      return asked.map((member) => member.parse(answers.get(`see:${member.id}`) ?? { status: 1, out: Buffer.alloc(0) }));
    };
    await expect.poll(look, { timeout: patience(20_000) }).toMatchObject([
      { healthy: true, requiresClientCertificate: true, members: [{}, {}, {}] },
      { healthy: true, requiresClientCertificate: false, members: [{ name: 'lax' }] },
    ]);
    await must(cluster.host('pg1'), 'systemctl stop lax; rm -rf /run/lax');
    await expect
      .poll(look)
      .toMatchObject([{ requiresClientCertificate: true }, { healthy: false, requiresClientCertificate: undefined, members: [] }]);
  });

  it('has no stray PostgreSQL cluster', async () => {
    expect(await must(cluster.host('pg1'), 'pg_lsclusters -h')).toBe('');
  });

  it('lets the replicator in through .pgpass, and keeps the file private to its owner', async () => {
    const [pg1, pg2] = [cluster.host('pg1'), cluster.host('pg2')];
    const login = `runuser -u postgres -- env HOME=/var/lib/postgresql psql -XAtw -d 'host=${pg1.address} user=replicator dbname=replication replication=true' -c IDENTIFY_SYSTEM`;
    expect(await must(pg2, login)).toContain(await controldata(pg1, 'Database system identifier'));
    expect(await must(pg2, "stat -c '%U %a' /var/lib/postgresql/.pgpass")).toBe('postgres 600');
    expect(await sql(pg1, "select rolpassword ~ '^SCRAM-SHA-256' from pg_authid where rolname = 'replicator'")).toBe('t');
  });

  it('lets no other address replicate', async () => {
    expect(await must(cluster.host('pg1'), "grep -c '0\\.0\\.0\\.0/0' /var/lib/postgresql/17/main/pg_hba.conf || :")).toBe('0');
  });

  it('shows no secret in what it printed', async () => {
    for (const path of ['postgresql.superuser_password', 'replication.password', 'patroni.rewind_password', 'patroni.restapi_password']) {
      const password = await cluster.password(path);
      expect(password).toMatch(/^.{32}$/u);
      expect(first.all).not.toContain(password);
    }
  });

  describe('the second apply', () => {
    it('changes nothing, with one connection and one exec per host', async () => {
      const before = await Promise.all(cluster.hosts.map(fingerprint));
      const counts = await Promise.all(cluster.hosts.map(async (host) => [await sshSessions(host), await sudoCommands(host)]));
      const second = await pgprov('apply', cluster.file, '--yes');
      expect(second.code).toBe(0);
      expect(second.all).toContain('No changes');
      expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
      const after = await Promise.all(cluster.hosts.map(async (host) => [await sshSessions(host), await sudoCommands(host)]));
      expect(after).toEqual(counts.map(([sessions = 0, commands = 0]) => [sessions + 1, commands + 1]));
    });

    it('is announced by plan', async () => {
      const plan = await cluster.run('plan');
      expect(plan.code).toBe(0);
      expect(plan.stdout).toContain('No changes');
    });
  });

  describe('status', () => {
    it('shows leader, replicas, etcd, checksums and certificates', async () => {
      const status = await cluster.run('status');
      expect(status.code).toBe(0);
      expect(status.stdout).toMatch(/pg1.*leader/u);
      expect(status.stdout).toMatch(/pg2.*replica.*streaming/u);
      expect(status.stdout).toContain('healthy');
    });
  });

  describe('a changed inventory', () => {
    it('sets a new parameter through the dynamic configuration, without a restart', async () => {
      const pids = await must(cluster.host('pg1'), 'systemctl show -p MainPID etcd patroni');
      const started = await sql(cluster.host('pg1'), 'select pg_postmaster_start_time()');
      await cluster.write({ postgresql: { parameters: { work_mem: '12MB' } } });
      const run = await cluster.run('apply');
      expect(run.code).toBe(0);
      expect(await patronictlConfig(cluster.host('pg2'))).toContain('work_mem: 12MB');
      for (const host of cluster.hosts) await expect.poll(() => sql(host, 'show work_mem'), { timeout: patience(30_000) }).toBe('12MB');
      expect(await must(cluster.host('pg1'), 'systemctl show -p MainPID etcd patroni')).toBe(pids);
      expect(await sql(cluster.host('pg1'), 'select pg_postmaster_start_time()')).toBe(started);
      expect((await cluster.run('apply')).all).toContain('No changes');
    });

    it('removes a parameter that it no longer gives', async () => {
      await cluster.write();
      expect((await cluster.run('apply')).code).toBe(0);
      expect(await patronictlConfig(cluster.host('pg2'))).not.toContain('work_mem');
    });

    it('reports a parameter that needs a restart as pending', async () => {
      await cluster.write({ postgresql: { parameters: { max_connections: 123 } } });
      const run = await cluster.run('apply');
      expect(run.code).toBe(0);
      await expect
        .poll(() => sql(cluster.host('pg1'), "select pending_restart from pg_settings where name = 'max_connections'"), {
          timeout: patience(30_000),
        })
        .toBe('t');
      const next = await cluster.run('apply');
      expect(next.all).toMatch(/pg1.*restart.*pending/iu);
      expect(await sql(cluster.host('pg1'), 'show max_connections')).toBe('100');
    });

    it('adds a pg_hba line with a reload', async () => {
      await cluster.write({ postgresql: { parameters: { max_connections: 123 }, hba: ['host app app 10.99.0.0/16 scram-sha-256'] } });
      expect((await cluster.run('apply')).code).toBe(0);
      for (const host of cluster.hosts) {
        await expect
          .poll(() => sql(host, "select count(*) from pg_hba_file_rules where address = '10.99.0.0'"), { timeout: patience(30_000) })
          .toBe('1');
      }
    });

    it('restarts etcd members one at a time for a changed setting', async () => {
      await cluster.write({
        postgresql: { parameters: { max_connections: 123 }, hba: ['host app app 10.99.0.0/16 scram-sha-256'] },
        etcd: { heartbeat_interval: 150 },
      });
      const started = await sql(cluster.host('pg1'), 'select pg_postmaster_start_time()');
      const run = await cluster.run('apply');
      expect(run.code).toBe(0);
      const starts = await Promise.all(
        cluster.hosts.map(async (host) => Number((await must(host, 'systemctl show -p ActiveEnterTimestampMonotonic etcd')).split('=')[1])),
      );
      const ordered = [...starts].sort((a, b) => a - b);
      expect(ordered.every((at, index) => index === 0 || at - (ordered[index - 1] ?? 0) > 100_000)).toBe(true);
      expect(
        await must(cluster.host('pg1'), "tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value etcd)/environ | grep HEARTBEAT"),
      ).toContain('150');
      expect(await sql(cluster.host('pg1'), 'select pg_postmaster_start_time()')).toBe(started);
    });
  });

  describe('a run limited to one role of one host', () => {
    it('corrects that and nothing else', async () => {
      await must(cluster.host('pg2'), 'chmod 0644 /etc/etcd/tls/node.key && chmod 0644 /etc/patroni/tls/node.key');
      const run = await cluster.run('apply', '--host', 'pg2', '--role', 'etcd');
      expect(run.code).toBe(0);
      expect(await must(cluster.host('pg2'), 'stat -c %a /etc/etcd/tls/node.key /etc/patroni/tls/node.key')).toBe('600\n644');
      expect((await cluster.run('apply')).code).toBe(0);
      expect(await must(cluster.host('pg2'), 'stat -c %a /etc/patroni/tls/node.key')).toBe('600');
    });

    it('lists the hosts and roles when the name is unknown', async () => {
      const run = await cluster.run('apply', '--host', 'pg9');
      expect(run.code).toBe(2);
      expect(run.stderr).toContain('pg1, pg2, pg3');
    });
  });

  it('refuses a second apply at the same time, naming the holder of the lock', async () => {
    await must(cluster.host('pg3'), 'chmod 0644 /etc/patroni/tls/node.key');
    // The first run waits for this host, however fast the others are.
    await cluster.host('pg3').pause();
    const one = start(['apply', cluster.file, '--yes']);
    await one.printed(/pg1\s+connected/u);
    const two = await pgprov('apply', cluster.file, '--yes');
    await cluster.host('pg3').unpause();
    expect(two.code, two.stderr + two.stdout).toBe(5);
    expect(two.stderr + two.stdout).toMatch(/another pgprov run.*process \d+/u);
    expect((await one.finished).code).toBe(0);
  });
});
