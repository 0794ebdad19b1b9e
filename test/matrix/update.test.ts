import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { etcdctl, must, sql } from '../integration/support/outside.js';
import { offerNewer, patched, raised, upstream, type NewerPackage } from '../integration/support/newer-packages.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { startTimes } from '../integration/support/starts.js';
import { withClient, WrittenCluster } from '../integration/support/written-cluster.js';

const NAMES = ['pg1', 'pg2', 'pg3'];

describe('an update on Debian 13, with a client that writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let leading = 'pg1';
  let versions: Record<string, string> = {};

  const onAll = (command: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => must(host, command)));
  const installed = (name: string): Promise<string[]> => onAll(`dpkg-query -W -f '\${Version}' ${name}`);
  const serverVersions = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map(async (host) => (await sql(host, 'SHOW server_version')).split(' ')[0] ?? ''));
  const deleted = (): Promise<string[]> =>
    onAll('for at in $(pidof postgres etcd); do readlink /proc/$at/exe; done | grep -c deleted || :');
  const offer = (packages: readonly NewerPackage[]): Promise<Record<string, string>[]> =>
    Promise.all(cluster.hosts.map((host) => offerNewer(host, packages)));

  /** PostgreSQL, Patroni and etcd that say another version of themselves. */
  const newer = async (): Promise<NewerPackage[]> => {
    const host = cluster.host('pg1');
    const present = async (name: string): Promise<string> => must(host, `dpkg-query -W -f '\${Version}' ${name}`);
    const [postgresql, patroni, etcd] = [await present('postgresql-17'), await present('patroni'), await present('etcd-server')];
    const change = (path: string, version: string): string => patched(path, upstream(version), upstream(raised(version)));
    return [
      { name: 'postgresql-17', version: raised, change: change('usr/lib/postgresql/17/bin/postgres', postgresql) },
      { name: 'postgresql-client-17', version: raised },
      { name: 'patroni', version: raised, change: change('usr/lib/python3/dist-packages/patroni/version.py', patroni) },
      { name: 'etcd-server', version: raised, change: change('usr/bin/etcd', etcd) },
      { name: 'etcd-client', version: raised },
    ];
  };

  beforeAll(async () => {
    written = await WrittenCluster.start(withClient());
    ({ cluster } = written);
    [versions = {}] = await offer(await newer());
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    leading = (await written?.whole()) ?? '';
  });

  it('shows what the repositories offer, and changes nothing with --check', async () => {
    const before = await startTimes(cluster.hosts);
    const { code, all } = await pgprov('update', cluster.file, '--check');
    expect(code, all).toBe(0);
    expect(all).toContain('install on pg2: ');
    expect(all).toContain(`→ ${versions['postgresql-17']}`);
    expect(await startTimes(cluster.hosts)).toEqual(before);
    expect(new Set(await installed('postgresql-17'))).not.toContain(versions['postgresql-17']);
  });

  it('refuses a version that no repository offers', async () => {
    const { code, all } = await pgprov('update', cluster.file, '--to', '17.99', '--yes');
    expect(all).toContain('do not offer postgresql-17 17.99');
    expect(code, all).toBe(4);
  });

  it('brings etcd, Patroni and PostgreSQL to the newer versions, killed at its steps, host by host', async () => {
    const before = await startTimes(cluster.hosts);
    await killAtEach(
      ['update', cluster.file, '--yes'],
      [
        /download \S* *note|update\/download/u,
        /update\/install-pg2/u,
        /update\/restart-store-pg2/u,
        /update\/restart-pg2/u,
        /update\/hand-over/u,
      ],
    );
    const { code, all } = await pgprov('update', cluster.file, '--yes');
    expect(code, all).toBe(0);
    for (const name of ['postgresql-17', 'patroni', 'etcd-server'])
      expect(new Set(await installed(name)), name).toEqual(new Set([versions[name]]));
    const postgresql = upstream(versions['postgresql-17'] ?? '');
    expect(await serverVersions()).toEqual([postgresql, postgresql, postgresql]);
    expect(await deleted()).toEqual(['0', '0', '0']);
    const patroni = upstream(versions['patroni'] ?? '');
    expect(await onAll('curl -s http://$(hostname -I | cut -d " " -f 1):8008/patroni')).toEqual(
      NAMES.map(() => expect.stringContaining(`"version": "${patroni}"`)),
    );
    expect(
      await etcdctl(
        cluster.host('pg1'),
        `--endpoints=${cluster.hosts.map(({ address }) => `https://${address}:2379`).join(',')} endpoint status`,
      ),
    ).toContain(upstream(versions['etcd-server'] ?? ''));
    expect(await onAll('ls /usr/sbin/policy-rc.d 2>/dev/null || echo none')).toEqual(['none', 'none', 'none']);
    const after = await startTimes(cluster.hosts);
    expect(NAMES.filter((name) => after[name] === before[name])).toEqual([]);
    expect(NAMES.sort((a, b) => (after[a] ?? 0) - (after[b] ?? 0)).at(-1)).toBe('pg1');
    const again = await pgprov('update', cluster.file, '--yes');
    expect(again.code, again.all).toBe(0);
    expect(again.all).toContain('everything is as new as the repositories have it');
    expect(await startTimes(cluster.hosts)).toEqual(after);
  });

  it('puts back what a host had on which the new version does not start, and stops there', async () => {
    const present = versions['postgresql-17'] ?? '';
    const broken = (version: string): string => `${version}+broken1`;
    await offer([
      {
        name: 'postgresql-17',
        version: broken,
        change: "printf '#!/bin/sh\\necho it is broken >&2\\nexit 1\\n' >usr/lib/postgresql/17/bin/postgres",
      },
      { name: 'postgresql-client-17', version: broken },
    ]);
    const before = await startTimes(cluster.hosts);
    const { code, all } = await pgprov('update', cluster.file, '--packages', 'postgresql', '--yes');
    expect(code, all).not.toBe(0);
    expect(all).toMatch(/put back on pg\d what it had/u);
    expect(await installed('postgresql-17')).toEqual([present, present, present]);
    const after = await startTimes(cluster.hosts);
    expect(NAMES.filter((name) => after[name] !== before[name])).toHaveLength(1);
    expect(after[leading]).toBe(before[leading]);
    const status = await pgprov('status', cluster.file);
    expect(status.code, status.all).toBe(0);
  });
});
