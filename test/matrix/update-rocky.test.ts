import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { SYSTEMS } from '../lab/index.js';
import { patched } from '../integration/support/newer-packages.js';
import { offerNewerRpms, type NewerRpm } from '../integration/support/newer-rpms.js';
import { must, sql } from '../integration/support/outside.js';
import { start, pgprov } from '../integration/support/pgprov.js';
import { startTimes } from '../integration/support/starts.js';
import { WrittenCluster } from '../integration/support/written-cluster.js';

const NAMES = ['pg1', 'pg2', 'pg3'];

const { postgresql: major } = SYSTEMS.rocky9;
const SERVER = `postgresql${major}-server`;
const PROGRAMS = `usr/pgsql-${major}/bin`;

/** So many minor versions later. */
function later(version: string, by: number): string {
  const [, minor = ''] = version.split('.');
  return `${major}.${Number(minor) + by}`;
}

/** All packages of the server in that version, with its programs changed by shell. */
function server(version: string, change: string): NewerRpm[] {
  const others = ['', '-libs', '-contrib'].map((part) => ({ name: `postgresql${major}${part}`, version }));
  return [...others, { name: SERVER, version, change }];
}

describe('an update on Rocky 9, with a client that writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let versions: Record<string, string> = {};
  /** The server's next version, which works, and the one after it, which does not. */
  let next = '';
  let broken = '';

  const onAll = (command: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => must(host, command)));
  const starts = (unit: string): Promise<string[]> => onAll(`systemctl show -p InvocationID --value ${unit}`);

  beforeAll(async () => {
    written = await WrittenCluster.start({ base: { hold_packages: true } }, 'rocky9');
    ({ cluster } = written);
    const present = await must(cluster.host('pg1'), `rpm -q --qf '%{VERSION}' ${SERVER}`);
    [next, broken] = [later(present, 1), later(present, 2)];
    // pg_ctl starts a server of its own version alone.
    const works = ['postgres', 'pg_ctl'].map((name) => patched(`${PROGRAMS}/${name}`, present, next)).join(' && ');
    versions = await offerNewerRpms(cluster.hosts, '9PGDG.rhel9', [
      { name: 'patroni', change: "sed -i 's/4\\.0\\.7/4.0.8/' usr/lib/python3/dist-packages/patroni/version.py" },
      { name: 'patroni-etcd' },
      { name: 'etcd' },
      ...server(next, works),
      ...server(broken, `printf '#!/bin/sh\\necho it is broken >&2\\nexit 1\\n' >${PROGRAMS}/postgres`),
    ]);
  });

  afterAll(async () => {
    await written?.remove();
  });

  it('holds back what the packages would restart, and restarts in its own order', async () => {
    const [patroni, etcd] = [await starts('patroni'), await starts('etcd')];
    const run = start(['update', cluster.file, '--packages', 'patroni,etcd', '--yes']);
    // Installed on pg2, and nothing restarted yet.
    await run.printed(/update\/restart-store-pg2/u);
    run.process.kill('SIGKILL');
    await run.finished;
    expect((await starts('patroni'))[1]).toBe(patroni[1]);
    const { code, all } = await pgprov('update', cluster.file, '--packages', 'patroni,etcd', '--yes');
    expect(code, all).toBe(0);
    for (const name of ['patroni', 'etcd'])
      expect(new Set(await onAll(`rpm -q --qf '%{VERSION}-%{RELEASE}' ${name}`)), name).toEqual(new Set([versions[name]]));
    expect((await starts('patroni')).filter((id, at) => id === patroni[at])).toEqual([]);
    expect((await starts('etcd')).filter((id, at) => id === etcd[at])).toEqual([]);
    expect(await onAll('curl -s http://$(hostname -I | cut -d " " -f 1):8008/patroni')).toEqual(
      NAMES.map(() => expect.stringContaining('"version": "4.0.8"')),
    );
    expect(await onAll('find /run/systemd/system -name pgprov-hold.conf')).toEqual(['', '', '']);
    expect(await written?.whole()).not.toBe('pg1');
  });

  it('goes through what PGDG’s repositories hold back from an upgrade of the whole system: PostgreSQL, Patroni and etcd', async () => {
    const offered = `dnf -q -C repoquery --disablerepo newer ${SERVER} patroni etcd 2>/dev/null`;
    expect(await onAll(offered)).toEqual(['', '', '']);
    expect(await must(cluster.host('pg1'), offered.replace('-C', '-C --disableexcludes all'))).toMatch(/etcd[^]*patroni[^]*postgresql/u);
  });

  it('brings PostgreSQL to the version that it is told, the leader last, by a switchover', async () => {
    const leading = (await written?.whole()) ?? '';
    const before = await startTimes(cluster.hosts);
    const { code, all } = await pgprov('update', cluster.file, '--packages', 'postgresql', '--to', next, '--yes');
    expect(code, all).toBe(0);
    for (const { name } of server(next, ''))
      expect(new Set(await onAll(`rpm -q --qf '%{VERSION}' ${name}`)), name).toEqual(new Set([next]));
    const says = await Promise.all(cluster.hosts.map((host) => sql(host, 'SHOW server_version')));
    expect(says).toEqual(NAMES.map(() => expect.stringMatching(new RegExp(`^${next.replace('.', '\\.')}\\b`, 'u'))));
    expect(await onAll('for at in $(pidof postgres); do readlink /proc/$at/exe; done | grep -c deleted || :')).toEqual(['0', '0', '0']);
    const after = await startTimes(cluster.hosts);
    expect(NAMES.filter((name) => after[name] === before[name])).toEqual([]);
    expect([...NAMES].sort((a, b) => (after[a] ?? 0) - (after[b] ?? 0)).at(-1)).toBe(leading);
    expect(await written?.whole()).not.toBe(leading);
  });

  it('puts back what a host had on which the new version does not start, and stops there', async () => {
    const leading = (await written?.whole()) ?? '';
    const before = await startTimes(cluster.hosts);
    const { code, all } = await pgprov('update', cluster.file, '--packages', 'postgresql', '--to', broken, '--yes');
    expect(code, all).not.toBe(0);
    expect(all).toMatch(/put back on pg\d what it had/u);
    expect(await onAll(`rpm -q --qf '%{VERSION}' ${SERVER}`)).toEqual([next, next, next]);
    expect(await written?.whole()).toBe(leading);
    const after = await startTimes(cluster.hosts);
    expect(NAMES.filter((name) => after[name] !== before[name])).toHaveLength(1);
    expect(after[leading]).toBe(before[leading]);
    expect((await pgprov('status', cluster.file)).code).toBe(0);
  });
});
