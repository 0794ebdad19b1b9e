import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost, System } from '../lab/index.js';
import { SELINUX_MODE } from '../lab/selinux.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'];
const STATS_PASSWORD = 'a-stats$1-&password';

describe.each<System>(['debian13', 'rocky9'])('HAProxy on two of three members, %s', (os) => {
  let cluster: TestCluster;
  let proxies: LabHost[];

  const write = (haproxy: Record<string, unknown> = {}): Promise<string> => {
    const own = { roles: [...ROLES, 'haproxy'] };
    const hosts = Object.fromEntries(
      cluster.hosts.map(({ name, address }) => [name, name === 'pg1' ? { address, roles: ROLES } : { address, ...own }]),
    );
    return cluster.write(
      withClient({
        hosts,
        patroni: { synchronous_mode: true },
        haproxy: { stats_password: STATS_PASSWORD, stats_networks: ['10.0.0.0/8'], ...haproxy },
      }),
    );
  };
  /** What PostgreSQL says through a proxy of whether it is a standby; '' where no connection comes about. */
  const through = async (proxy: LabHost, port: number): Promise<string> => {
    const { user, password } = CLIENT;
    const asked = `PGPASSWORD=${password} PGCONNECT_TIMEOUT=5 psql -XAtq -h ${proxy.address} -p ${port} -U ${user} postgres -c`;
    return (await cluster.host('pg1').exec(`${asked} 'select pg_is_in_recovery()'`)).stdout.trim();
  };
  const throughBoth = (port: number): Promise<string[]> => Promise.all(proxies.map((proxy) => through(proxy, port)));
  const statusLines = async (): Promise<string[]> => {
    const { stdout } = await cluster.run('status', '--json');
    const { services } = JSON.parse(stdout) as { services: { host: string; role: string; text: string }[] };
    return services.filter(({ role }) => role === 'haproxy').map(({ host, text }) => `${host} ${text}`);
  };

  const listed = (): Promise<string[]> => describeMembers(cluster.host('pg1')).catch(() => []);
  const streamingMembers = async (): Promise<number> => (await listed()).filter((line) => line.endsWith('streaming')).length;
  const leading = async (): Promise<string> => (await listed()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';

  beforeAll(async () => {
    cluster = await TestCluster.converged(os);
    if (os === 'rocky9') for (const host of cluster.hosts) await must(host, `echo Enforcing >${SELINUX_MODE}`);
    proxies = [cluster.host('pg2'), cluster.host('pg3')];
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('leads clients to the leader, readers to the replicas, and shows its statistics to who has the password', async () => {
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
    await expect.poll(() => throughBoth(5000), { timeout: patience(20_000) }).toEqual(['f', 'f']);
    await expect.poll(() => throughBoth(5001), { timeout: patience(20_000) }).toEqual(['t', 't']);
    for (const proxy of proxies) {
      const code = (login: string): Promise<string> =>
        must(cluster.host('pg1'), `curl -s -o /dev/null -w '%{http_code}' ${login} http://${proxy.address}:7000/`);
      expect(await code('')).toBe('401');
      expect(await code(`-u 'admin:${STATS_PASSWORD}'`)).toBe('200');
      expect(await must(proxy, 'stat -c %a /etc/haproxy/haproxy.cfg')).toBe('600');
      expect(
        (await proxy.exec('runuser -u postgres -- curl -s --unix-socket /var/lib/haproxy/statistics http://localhost/')).code,
      ).not.toBe(0);
    }
    expect(await statusLines()).toEqual(['pg2 leads to pg1; reads go to pg2 and pg3', 'pg3 leads to pg1; reads go to pg2 and pg3']);
    const got = await pgprov('secrets', 'get', 'haproxy', cluster.file, '--yes');
    expect(got.stdout).toBe(`${STATS_PASSWORD}\n`);
    if (os === 'rocky9') expect(await must(cluster.host('pg2'), 'getsebool haproxy_connect_any')).toBe('haproxy_connect_any --> on');
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('reloads without a connection lost, and only what HAProxy takes', async () => {
    const [pg2] = proxies as [LabHost, LabHost];
    const { user, password } = CLIENT;
    const session = cluster
      .host('pg1')
      .exec(
        `until [ -e /tmp/go-on ]; do sleep 0.2; done | cat; PGPASSWORD=${password} psql -XAtq -h ${pg2.address} -p 5000 -U ${user} postgres -c 'select pg_sleep(20), 7'`,
      );
    await must(cluster.host('pg1'), 'touch /tmp/go-on');
    await expect
      .poll(() => sql(cluster.host('pg1'), "select count(*) from pg_stat_activity where query like 'select pg_sleep(20)%'"), {
        timeout: patience(20_000),
      })
      .toBe('1');
    await write({ check_interval: 800 });
    const planned = await cluster.run('plan');
    expect(planned.all).toMatch(/write \/etc\/haproxy\/haproxy\.cfg[^]*reload haproxy/u);
    expect(planned.all).not.toContain(STATS_PASSWORD);
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await session).stdout.trim()).toBe('|7');
    // What somebody wrote there and had taken up is out of force again.
    await must(pg2, "printf 'backend by-hand\\n' >>/etc/haproxy/haproxy.cfg && systemctl reload haproxy");
    const table = "curl -s --unix-socket /var/lib/haproxy/statistics 'http://localhost/;csv'";
    await expect.poll(() => must(pg2, table), { timeout: patience(20_000) }).toContain('by-hand');
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await must(pg2, table)).not.toContain('by-hand');
  });

  it('leads on through a switchover and the loss of the leader’s host, and no acknowledged row is lost', async () => {
    const writer = await Writer.start({ addresses: proxies.map(({ address }) => address), port: 5000, ...CLIENT });
    try {
      const switched = await pgprov('switchover', cluster.file, '--yes');
      expect(switched.code, switched.all).toBe(0);
      const leader = await leading();
      expect(leader).not.toBe('pg1');
      await expect
        .poll(statusLines, { timeout: patience(60_000) })
        .toEqual(proxies.map(({ name }) => expect.stringMatching(new RegExp(`^${name} leads to ${leader}; reads go to pg1 and pg`, 'u'))));
      const rows = writer.acknowledged.length;
      await expect.poll(() => writer.acknowledged.length, { timeout: patience(30_000) }).toBeGreaterThan(rows);
      expect(await writer.lost([])).toEqual([]);
      // Nobody watches a connection any more that was open when its proxy was reloaded: it ends by keepalives.
      const [proxy] = proxies.filter(({ name }) => name !== leader) as [LabHost];
      const { user, password } = CLIENT;
      const open = `PGPASSWORD=${password} psql -XAtq -h ${proxy.address} -p 5000 -U ${user} postgres -c 'select pg_sleep(900)'`;
      const hanging = proxy.exec(open);
      await expect
        .poll(() => sql(cluster.host(leader), "select count(*) from pg_stat_activity where query like 'select pg_sleep(900)%'"), {
          timeout: patience(20_000),
        })
        .toBe('1');
      await must(proxy, 'systemctl reload haproxy');
      // With its proxy, if it has one: the client has another.
      await cluster.host(leader).kill();
      const before = writer.acknowledged.length;
      await expect.poll(() => writer.acknowledged.length, { timeout: patience(120_000) }).toBeGreaterThan(before);
      expect(await writer.lost([])).toEqual([]);
      const lost = await cluster.run('status');
      expect(lost.code).not.toBe(0);
      expect((await hanging).code).not.toBe(0);
      await cluster.host(leader).start();
    } finally {
      await writer.stop();
    }
    await expect.poll(streamingMembers, { timeout: patience(120_000) }).toBe(2);
    await expect.poll(() => throughBoth(5000), { timeout: patience(30_000) }).toEqual(['f', 'f']);
  });

  it('leads readers to the leader while no replica is fit, unless it is told not to', async () => {
    const leader = await leading();
    const replicas = cluster.hosts.filter(({ name }) => name !== leader);
    await Promise.all(replicas.map((host) => must(host, 'systemctl stop patroni')));
    await expect.poll(() => throughBoth(5001), { timeout: patience(30_000) }).toEqual(['f', 'f']);
    const unasked = replicas.map(({ name }) => `${name} L4CON`).join(', ');
    expect((await statusLines())[0]).toBe(
      `pg2 leads to ${leader}; no replica is fit for reads; gets no answer of Patroni from ${unasked}, and would not lead there`,
    );
    await Promise.all(replicas.map((host) => must(host, 'systemctl start patroni')));
    await expect.poll(streamingMembers, { timeout: patience(60_000) }).toBe(2);
  });

  it('takes every variable while it runs', async () => {
    const changed = {
      primary_port: 5900,
      replica_port: 5901,
      stats_port: 7900,
      stats_username: 'dba',
      stats_networks: ['10.0.0.0/8', '192.0.2.9'],
      maximum_lag: 1048576,
      replica_fallback: false,
      check_interval: 500,
      connect_timeout: 6,
      idle_timeout: 7200,
      maxconn: 300,
      server_maxconn: 40,
    };
    await write(changed);
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    await expect.poll(() => throughBoth(5900), { timeout: patience(20_000) }).toEqual(['f', 'f']);
    await expect.poll(() => throughBoth(5901), { timeout: patience(20_000) }).toEqual(['t', 't']);
    expect(await throughBoth(5000)).toEqual(['', '']);
    const [pg2] = proxies as [LabHost, LabHost];
    expect(await must(pg2, `curl -s -o /dev/null -w '%{http_code}' -u 'dba:${STATS_PASSWORD}' http://localhost:7900/`)).toBe('200');
    // A client finds its way by what dsn prints.
    const { user, password } = CLIENT;
    const ask = async (...options: string[]): Promise<string> => {
      const { stdout } = await pgprov('dsn', cluster.file, '--user', user, ...options);
      return must(
        cluster.host('pg1'),
        `PGPASSWORD=${password} psql -XAtc 'select pg_is_in_recovery(), inet_server_port()' '${stdout.trim()}'`,
      );
    };
    expect(await Promise.all([ask(), ask('--read-only'), ask('--direct', '--format', 'libpq'), ask('--direct', '--read-only')])).toEqual([
      'f|5432',
      't|5432',
      'f|5432',
      't|5432',
    ]);
    await write();
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('is told by doctor where it is cut off from a member: turned away, without an answer, or too late', async () => {
    const [, pg3] = proxies as [LabHost, LabHost];
    const pg1 = cluster.host('pg1');
    const found = async (): Promise<string[]> => {
      const { code, stdout } = await cluster.run('doctor', '--json');
      const { findings } = JSON.parse(stdout) as {
        findings: { diagnosis: string; host?: string; level: string; what: string; mend: string; evidence: { line: string }[] }[];
      };
      expect(code).toBe(findings.some(({ level }) => level !== 'notice') ? 1 : 0);
      return findings.flatMap(({ diagnosis, host, what, evidence }) =>
        diagnosis === 'proxy-cut-off' ? [`${host ?? ''}: ${what} [${evidence.map(({ line }) => line).join('; ')}]`] : [],
      );
    };
    const chain = "nft add table inet strange && nft add chain inet strange input '{ type filter hook input priority -200; }'";
    const rule = async (what: string): Promise<void> => {
      await must(
        pg1,
        `nft delete table inet strange 2>/dev/null; ${chain} && nft add rule inet strange input ip saddr ${pg3.address} ${what}`,
      );
    };
    await must(pg1, 'command -v nft >/dev/null || { apt-get -qq update && apt-get -qq install nftables >/dev/null; }');
    expect(await found()).toEqual([]);
    try {
      await rule('tcp dport 8008 reject with tcp reset');
      await expect
        .poll(found, { timeout: patience(60_000) })
        .toEqual([
          expect.stringMatching(
            /^pg3: HAProxy gets no answer of Patroni on pg1, port 8008: it is turned away \(connection refused\).*L4CON/u,
          ),
        ]);
      await rule('tcp dport 8008 drop');
      await expect
        .poll(found, { timeout: patience(60_000) })
        .toEqual([expect.stringMatching(/^pg3: HAProxy gets no answer of Patroni on pg1, port 8008: no packet comes back.*L4TOUT/u)]);
      // A connection comes about, and what it asks is lost.
      await rule("tcp dport 8008 'tcp flags & psh == psh' drop");
      await expect
        .poll(found, { timeout: patience(60_000) })
        .toEqual([expect.stringMatching(/^pg3: HAProxy gets no answer of Patroni on pg1, port 8008: it connects, and no answer.*L7TOUT/u)]);
      await rule('tcp dport 5432 drop');
      await expect
        .poll(found, { timeout: patience(60_000) })
        .toEqual([expect.stringMatching(/^pg3: it gets no connection to PostgreSQL on pg1, port 5432: no packet comes back/u)]);
    } finally {
      await must(pg1, 'nft delete table inet strange');
    }
    await expect.poll(found, { timeout: patience(60_000) }).toEqual([]);
  });

  it('is told by status and doctor when it is down, and started again', async () => {
    await must(cluster.host('pg3'), 'systemctl stop haproxy');
    const told = await cluster.run('status');
    expect(told.code).toBe(1);
    expect(told.all).toMatch(/pg3.*HAProxy does not answer/u);
    const doctor = await cluster.run('doctor');
    expect(doctor.code).toBe(1);
    expect(doctor.all).toContain('haproxy');
    expect((await cluster.run('apply')).code).toBe(0);
    await expect.poll(() => throughBoth(5000), { timeout: patience(20_000) }).toEqual(['f', 'f']);
  });
});
