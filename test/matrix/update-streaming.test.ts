import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { offerBrokenServer, offerNextServer, upstream } from '../integration/support/newer-packages.js';
import { startHostWriter } from '../integration/support/host-writer.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach, type Finished } from '../integration/support/pgprov.js';
import { SYSTEMS, type LabHost } from '../lab/index.js';

const VERSION = SYSTEMS.debian13.postgresql;
const SERVER = `postgresql-${VERSION}`;

describe('an update of servers that stream without Patroni, on Debian 13', () => {
  let cluster: TestCluster;
  let first: LabHost;
  let wanted = '';

  const onAll = (command: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => must(host, command)));
  const installed = (): Promise<string[]> => onAll(`dpkg-query -W -f '\${Version}' ${SERVER}`);
  const versions = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map(async (host) => (await sql(host, 'SHOW server_version')).split(' ')[0] ?? ''));
  const streaming = (): Promise<string> =>
    sql(first, "SELECT string_agg(application_name, ' ' ORDER BY application_name) FROM pg_stat_replication WHERE state = 'streaming'");
  const starts = (): Promise<string[]> => onAll(`systemctl show -p InvocationID --value postgresql@${VERSION}-main`);
  const update = (...words: string[]): Promise<Finished> => cluster.run('update', '--yes', ...words);

  beforeAll(async () => {
    cluster = await TestCluster.start('mxupstr', 'debian13', 3, 'packages');
    first = cluster.host('pg1');
    await cluster.write({ roles: ['base', 'pgdg', 'postgresql', 'replication'] });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await sql(first, 'CREATE TABLE written (n int)');
    await startHostWriter(first);
    wanted = await offerNextServer(cluster.hosts, VERSION);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('shows its steps, the primary last, and changes nothing with --check', async () => {
    const before = await starts();
    const { code, all } = await cluster.run('update', '--check');
    expect(code, all).toBe(0);
    expect(all).toMatch(/restart PostgreSQL on pg2[^]*restart PostgreSQL on pg3[^]*restart PostgreSQL on pg1, the primary/u);
    expect(await starts()).toEqual(before);
    expect(new Set(await installed())).not.toContain(wanted);
  });

  it('is made server by server, killed at its steps, with every commit that a client was told of', async () => {
    const before = await starts();
    await killAtEach(
      ['update', cluster.file, '--yes'],
      [/update\/download/u, /update\/install-pg2/u, /update\/restart-pg2/u, /update\/install-pg1/u],
    );
    const { code, all } = await update();
    expect(code, all).toBe(0);
    expect(new Set(await installed())).toEqual(new Set([wanted]));
    expect(new Set(await versions())).toEqual(new Set([upstream(wanted)]));
    expect(await streaming()).toBe('pg2 pg3');
    expect(await sql(first, 'SELECT pg_is_in_recovery()')).toBe('f');
    const after = await starts();
    expect(after.filter((start, index) => start === before[index])).toEqual([]);
    expect(await onAll('ls /usr/sbin/policy-rc.d 2>/dev/null || echo none')).toEqual(['none', 'none', 'none']);
    await must(first, 'systemctl stop client');
    const lost = await must(
      first,
      "runuser -u postgres -- psql -XAtqc 'SELECT n FROM written' | sort >/root/there; sort /root/acknowledged | comm -23 - /root/there | wc -l",
    );
    expect(lost).toBe('0');
    const again = await update();
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('everything is as new as the repositories have it')]);
    expect(await starts()).toEqual(after);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('puts back what a standby had on which the new version does not start, and stops there', async () => {
    await offerBrokenServer(cluster.hosts, VERSION);
    const before = await starts();
    const { code, all } = await update();
    expect(code, all).not.toBe(0);
    expect(all).toContain('put back on pg2 what it had');
    expect(await installed()).toEqual([wanted, wanted, wanted]);
    expect(await streaming()).toBe('pg2 pg3');
    const after = await starts();
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    const status = await cluster.run('status');
    expect(status.code, status.all).toBe(0);
  });
});
