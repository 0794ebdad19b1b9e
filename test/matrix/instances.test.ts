import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { EARLIER, labInventory, SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, shellWord } from '../integration/support/outside.js';
import { pgprov, type Finished } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';

describe.each([
  { os: 'rocky9', name: 'mxinsr9' },
  { os: 'debian13', name: 'mxinsd13' },
] as const)('several instances on hosts of $os', ({ os, name }) => {
  const { family, postgresql: version } = SYSTEMS[os];
  const isEl = family === 'el';
  const unit = (instance: string): string =>
    isEl ? `postgresql-${version}${instance === 'main' ? '' : `-${instance}`}` : `postgresql@${version}-${instance}`;
  const roles = ['base', 'firewall', 'pgdg', 'postgresql', 'replication'];
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start(name, os, 2, 'packages');
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    await cluster.write({ roles });
    await write('two', { name: 'two', port: 5433 }, { leader: 'pg2' });
    await write('three', { name: 'three', port: 5434 });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const fileOf = (instance: string): string => join(cluster.directory, `${instance}.yml`);

  /** An inventory of an instance on both hosts, or on the first one alone. */
  async function write(instance: string, postgresql: Record<string, unknown>, { leader }: { leader?: string } = {}): Promise<void> {
    const base = await labInventory(leader === undefined ? [pg1] : cluster.hosts);
    const own = { cluster: instance, roles, postgresql: { version, ...postgresql }, ...(leader === undefined ? {} : { leader }) };
    await writeFile(fileOf(instance), stringify({ ...base, ...own }));
  }

  const apply = (instance: string): Promise<Finished> => pgprov('apply', fileOf(instance), '--yes');

  const psql = (host: LabHost, port: number, statement: string): Promise<string> =>
    must(host, `runuser -u postgres -- psql -p ${port} -XAtq -v ON_ERROR_STOP=1 -c ${shellWord(statement)}`);

  const streams = (host: LabHost, port: number): Promise<string> =>
    psql(host, port, "select string_agg(application_name || ' ' || state, ', ') from pg_stat_replication");

  /** What no run on another instance may touch of the first one: its server, and its own files. */
  const identity = async (host: LabHost): Promise<string> => {
    const files = isEl
      ? `/var/lib/pgsql/${version}/data/*.conf /var/lib/pgsql/${version}/data/conf.d /etc/systemd/system/postgresql-${version}.service.d`
      : `/etc/postgresql/${version}/main`;
    return [
      await psql(host, 5432, 'select pg_postmaster_start_time(), pg_conf_load_time()'),
      await must(host, `find ${files} -type f -printf '%p %T@ %i\\n' | sort`),
      await must(host, `systemctl show -p MainPID -p ActiveEnterTimestampMonotonic ${unit('main')}`),
    ].join('\n');
  };

  it('are made by inventories of their own, and none touches another', async () => {
    const first = await cluster.run('apply');
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
    const before = await Promise.all(cluster.hosts.map(identity));
    for (const instance of ['two', 'three']) {
      const run = await apply(instance);
      expect(run.all).not.toContain('error:');
      expect(run.code).toBe(0);
    }
    expect(await Promise.all(cluster.hosts.map(identity))).toEqual(before);
    for (const run of [await cluster.run('apply'), await apply('two'), await apply('three')])
      expect([run.code, run.all]).toEqual([0, expect.stringContaining('No changes')]);
    expect(await Promise.all(cluster.hosts.map(identity))).toEqual(before);
  });

  it('each stream by themselves, and run in units that start at boot', async () => {
    expect(await streams(pg1, 5432)).toBe('pg2 streaming');
    expect(await streams(pg2, 5433)).toBe('pg1 streaming');
    expect(await psql(pg1, 5434, 'select pg_is_in_recovery()')).toBe('f');
    const identifiers = await Promise.all(
      [5432, 5433, 5434].map((port) => psql(pg1, port, 'select system_identifier from pg_control_system()')),
    );
    expect(new Set(identifiers).size).toBe(3);
    for (const instance of ['main', 'two', 'three'])
      expect(await must(pg1, `systemctl is-active ${unit(instance)} && systemctl is-enabled ${unit(instance)}`)).toMatch(
        /^active\nenabled/u,
      );
    if (isEl) {
      expect(await must(pg1, `ls /var/lib/pgsql/${version}`)).toMatch(/^data$[^]*^three$[^]*^two$/mu);
      const rules = await must(pg1, 'for each in demo two three; do firewall-cmd --policy pgprov-$each --list-rich-rules; done');
      for (const port of [5432, 5433, 5434]) expect(rules).toContain(`port="${port}"`);
      expect(await must(pg1, `cat /etc/systemd/system/${unit('two')}.service`)).toContain(
        `Environment=PGDATA=/var/lib/pgsql/${version}/two\n`,
      );
    } else {
      expect(await must(pg1, "pg_lsclusters -h | awk '{print $1, $2, $3, $4}'")).toBe(
        [`${version} main 5432 online`, `${version} three 5434 online`, `${version} two 5433 online,recovery`].join('\n'),
      );
    }
  });

  it('each have a status of their own', async () => {
    await must(pg2, `systemctl stop ${unit('main')}`);
    const [demo, two, three] = (await Promise.all(
      [cluster.file, fileOf('two'), fileOf('three')].map((file) => pgprov('status', file)),
    )) as [Finished, Finished, Finished];
    expect([demo.code, demo.all]).toEqual([1, expect.stringContaining(`the unit ${unit('main')} is stopped`)]);
    expect([two.code, two.all]).toEqual([0, expect.stringMatching(/primary pg2[^]*pg1\s+\S+\s+standby\s+streaming/u)]);
    expect([three.code, three.all]).toEqual([0, expect.stringContaining('healthy')]);
    const doctor = await pgprov('doctor', fileOf('two'));
    expect([doctor.code, doctor.all]).toEqual([0, expect.any(String)]);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await streams(pg1, 5432)).toBe('pg2 streaming');
  });

  it('are refused with the port, the directory or the name of another, and nothing is changed', async () => {
    const before = await identity(pg1);
    await write('four', { name: 'four' });
    const port = await apply('four');
    expect([port.code, port.all]).toEqual([4, expect.stringMatching(/port 5432 is held by\s+the instance of demo/u)]);
    await write('four', {});
    const directory = await apply('four');
    expect([directory.code, directory.all]).toEqual([4, expect.stringMatching(/cluster is four[^]* is that of demo/u)]);
    await write('two', { name: 'other', port: 5433 }, { leader: 'pg2' });
    const renamed = await apply('two');
    expect([renamed.code, renamed.all]).toEqual([4, expect.stringContaining('postgresql.name is other')]);
    await write('two', { name: 'two', port: 5433 }, { leader: 'pg2' });
    expect(await identity(pg1)).toBe(before);
    expect(await must(pg1, `ls -d ${placesOf(os).data}/../four 2>/dev/null || echo none`)).toBe('none');
  });

  it('have their standbys copied side by side', async () => {
    const data = (instance: string): string => placesOf(os).data.replace(/[^/]+$/u, instance);
    await must(pg2, `systemctl stop ${unit('main')} && mv ${placesOf(os).data} ${placesOf(os).data}.former`);
    await must(pg1, `systemctl stop ${unit('two')} && mv ${data('two')} ${data('two')}.former`);
    for (const run of [await cluster.run('apply'), await apply('two')]) {
      expect(run.all).not.toContain('error:');
      expect(run.code).toBe(0);
    }
    expect(await streams(pg1, 5432)).toBe('pg2 streaming');
    expect(await streams(pg2, 5433)).toBe('pg1 streaming');
  });
});

/** A firewall that lets SSH in, and nothing else. */
const CLOSED = `#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		tcp dport 22 accept
	}
}`;

describe('instances of two major versions on hosts of Debian 13', () => {
  const { postgresql: recent } = SYSTEMS.debian13;
  const { postgresql: earlier } = EARLIER;
  /** The cluster of the recent version has its primary on pg1, that of the earlier one on pg2. */
  const PORTS: ReadonlyMap<number, number> = new Map([
    [recent, 5432],
    [earlier, 5433],
  ]);
  const roles = ['base', 'firewall', 'pgdg', 'postgresql', 'replication'];
  const unit = (version: number): string => `postgresql@${version}-main`;
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let older: string;

  beforeAll(async () => {
    cluster = await TestCluster.start('mxinsmaj', 'debian13', 2, 'packages');
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    for (const host of cluster.hosts) {
      await must(host, 'apt-get -qq update && apt-get -qq install nftables >/dev/null');
      expect((await host.exec('cat >/etc/nftables.conf && systemctl -q enable --now nftables', { input: CLOSED })).code).toBe(0);
    }
    await cluster.write({ roles, postgresql: { version: recent } });
    older = join(cluster.directory, 'older.yml');
    const own = { cluster: 'older', roles, leader: 'pg2', postgresql: { version: earlier, port: PORTS.get(earlier) } };
    await writeFile(older, stringify({ ...(await labInventory(cluster.hosts)), ...own }));
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const psql = (host: LabHost, version: number, statement: string): Promise<string> =>
    must(host, `runuser -u postgres -- psql -p ${PORTS.get(version)} -XAtq -v ON_ERROR_STOP=1 -c ${shellWord(statement)}`);

  const streams = (host: LabHost, version: number): Promise<string> =>
    psql(host, version, "select string_agg(application_name || ' ' || state, ', ') from pg_stat_replication");

  /** What no run on the other version may touch: the server and its own files. */
  const identity = async (host: LabHost, version: number): Promise<string> =>
    [
      await psql(host, version, 'select pg_postmaster_start_time(), pg_conf_load_time()'),
      await must(host, `find /etc/postgresql/${version} -type f -printf '%p %T@ %i\\n' | sort`),
      await must(host, `systemctl show -p MainPID -p ActiveEnterTimestampMonotonic ${unit(version)}`),
    ].join('\n');

  const identities = (version: number): Promise<string[]> => Promise.all(cluster.hosts.map((host) => identity(host, version)));

  it('are made one after the other, and the second leaves the first alone', async () => {
    const first = await cluster.run('apply');
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
    const before = await identities(recent);
    const second = await pgprov('apply', older, '--yes');
    expect(second.all).not.toContain('error:');
    expect(second.code).toBe(0);
    expect(await identities(recent)).toEqual(before);
    const both = [before, await identities(earlier)];
    for (const run of [await cluster.run('apply'), await pgprov('apply', older, '--yes')])
      expect([run.code, run.all]).toEqual([0, expect.stringContaining('No changes')]);
    expect([await identities(recent), await identities(earlier)]).toEqual(both);
  });

  it('each have a version, a port, a directory, a unit and an opening in the firewall', async () => {
    expect(await streams(pg1, recent)).toBe('pg2 streaming');
    expect(await streams(pg2, earlier)).toBe('pg1 streaming');
    const lines = (await must(pg1, "pg_lsclusters -h | awk '{print $1, $2, $3, $4, $6}'")).split('\n').sort();
    expect(lines).toEqual(
      [
        `${recent} main 5432 online /var/lib/postgresql/${recent}/main`,
        `${earlier} main 5433 online,recovery /var/lib/postgresql/${earlier}/main`,
      ].sort(),
    );
    const rules = await must(pg1, 'nft list ruleset');
    for (const [version, port] of PORTS) {
      expect(await psql(pg1, version, "select current_setting('server_version_num')::int / 10000")).toBe(String(version));
      expect(await psql(pg1, version, 'show data_directory')).toBe(`/var/lib/postgresql/${version}/main`);
      expect(await must(pg1, `systemctl is-active ${unit(version)}`)).toBe('active');
      expect(rules).toMatch(new RegExp(`dport.*\\b${port}\\b`, 'u'));
    }
  });

  it('are restarted, stopped and looked at one without the other', async () => {
    const before = await identities(recent);
    const started = await psql(pg2, earlier, 'select pg_postmaster_start_time()');
    const restart = await pgprov('restart', older, '--yes');
    expect([restart.code, restart.all]).toEqual([0, expect.any(String)]);
    expect(await psql(pg2, earlier, 'select pg_postmaster_start_time()')).not.toBe(started);
    expect(await streams(pg2, earlier)).toBe('pg1 streaming');
    expect(await identities(recent)).toEqual(before);
    const moved = await pgprov('switchover', older, '--to', 'pg1', '--yes');
    expect([moved.code, moved.all]).toEqual([0, expect.any(String)]);
    expect(await streams(pg1, earlier)).toBe('pg2 streaming');
    expect((await pgprov('stop', older, '--yes')).code).toBe(0);
    expect(await must(pg1, `systemctl is-active ${unit(earlier)} || :`)).toBe('inactive');
    expect(await identities(recent)).toEqual(before);
    expect((await cluster.run('status')).code).toBe(0);
    expect((await pgprov('start', older, '--yes')).code).toBe(0);
    expect(await streams(pg1, earlier)).toBe('pg2 streaming');
  });

  it('keep their version where the inventory says that of the other one', async () => {
    const before = await identities(earlier);
    const own = { cluster: 'older', roles, leader: 'pg1', postgresql: { version: recent, port: 5434 } };
    await writeFile(older, stringify({ ...(await labInventory(cluster.hosts)), ...own }));
    const run = await pgprov('apply', older, '--yes');
    expect([run.code, run.all]).toEqual([4, expect.stringContaining('is that of demo')]);
    expect(await identities(earlier)).toEqual(before);
  });
});

describe('an instance without Patroni beside a cluster of Patroni on Debian 13', () => {
  const { postgresql: version } = SYSTEMS.debian13;
  const UNIT = `postgresql@${version}-side`;
  let cluster: TestCluster;
  let pg1: LabHost;
  let side: string;

  beforeAll(async () => {
    cluster = await TestCluster.start('mxinspat', 'debian13', 1, 'packages');
    pg1 = cluster.host('pg1');
    side = join(cluster.directory, 'side.yml');
    const own = { cluster: 'side', roles: ['base', 'pgdg', 'postgresql'], postgresql: { version, name: 'side', port: 5433 } };
    await writeFile(side, stringify({ ...(await labInventory([pg1])), ...own }));
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const psql = (port: number, statement: string): Promise<string> =>
    must(pg1, `runuser -u postgres -- psql -p ${port} -XAtq -v ON_ERROR_STOP=1 -c ${shellWord(statement)}`);

  /** What no run on the other one may touch. */
  const identity = (port: number): Promise<string> =>
    psql(port, 'select system_identifier, pg_postmaster_start_time(), pg_conf_load_time() from pg_control_system()');

  const unchanged = async (): Promise<void> => {
    for (const run of [await cluster.run('apply'), await pgprov('apply', side, '--yes')])
      expect([run.code, run.all]).toEqual([0, expect.stringContaining('No changes')]);
  };

  it('is made beside it, and each leaves the other alone', async () => {
    const first = await cluster.run('apply');
    expect([first.code, first.all]).toEqual([0, expect.any(String)]);
    const before = await identity(5432);
    const second = await pgprov('apply', side, '--yes');
    expect([second.code, second.all]).toEqual([0, expect.any(String)]);
    expect(await identity(5432)).toBe(before);
    await unchanged();
    expect(await must(pg1, `systemctl is-active ${UNIT} patroni etcd`)).toBe('active\nactive\nactive');
    for (const file of [cluster.file, side]) {
      const status = await pgprov('status', file);
      expect([status.code, status.all]).toEqual([0, expect.stringContaining('healthy')]);
      const doctor = await pgprov('doctor', file);
      expect([doctor.code, doctor.all]).toEqual([0, expect.any(String)]);
    }
  });

  it('is changed, stopped and started without it, and it without the instance', async () => {
    const [patroni, own] = [await identity(5432), await identity(5433)];
    const restart = await cluster.run('restart', '--yes');
    expect([restart.code, restart.all]).toEqual([0, expect.any(String)]);
    expect(await identity(5433)).toBe(own);
    const restarted = await identity(5432);
    expect(restarted).not.toBe(patroni);
    await must(pg1, `systemctl stop ${UNIT}`);
    const again = await pgprov('apply', side, '--yes');
    expect([again.code, again.all]).toEqual([0, expect.any(String)]);
    expect(await psql(5433, 'select pg_is_in_recovery()')).toBe('f');
    expect(await identity(5432)).toBe(restarted);
    await must(pg1, 'systemctl stop patroni');
    const status = await pgprov('status', side);
    expect([status.code, status.all]).toEqual([0, expect.stringContaining('healthy')]);
    const back = await cluster.run('apply');
    expect([back.code, back.all]).toEqual([0, expect.any(String)]);
    await unchanged();
  });
});
