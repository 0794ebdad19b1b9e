import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { offerBrokenServer, offerNextServer, upstream } from '../integration/support/newer-packages.js';
import { startHostWriter } from '../integration/support/host-writer.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach } from '../integration/support/pgprov.js';
import { SYSTEMS, type LabHost } from '../lab/index.js';

const VERSION = SYSTEMS.debian13.postgresql;
const SERVER = `postgresql-${VERSION}`;

describe('an update of a server that stands alone, on Debian 13', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let wanted = '';

  const installed = (): Promise<string> => must(host, `dpkg-query -W -f '\${Version}' ${SERVER}`);
  const version = async (): Promise<string> => (await sql(host, 'SHOW server_version')).split(' ')[0] ?? '';
  const start = (): Promise<string> => must(host, `systemctl show -p InvocationID --value postgresql@${VERSION}-main`);

  beforeAll(async () => {
    cluster = await TestCluster.start('mxupone', 'debian13', 1, 'packages');
    host = cluster.host('pg1');
    await cluster.write({ roles: ['base', 'pgdg', 'postgresql'] });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await sql(host, 'CREATE TABLE written (n int)');
    await startHostWriter(host);
    wanted = await offerNextServer(cluster.hosts, VERSION);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('says with --check that nothing serves meanwhile, and changes nothing', async () => {
    const before = await start();
    const { code, all } = await cluster.run('update', '--check');
    expect(code, all).toBe(0);
    expect(all).toContain('PostgreSQL on pg1 is down until it has restarted, and there is no other server');
    expect([await start(), await installed()]).toEqual([before, expect.not.stringContaining(wanted)]);
  });

  it('is made, killed at its steps, with every commit that a client was told of', async () => {
    const before = await start();
    await killAtEach(['update', cluster.file, '--yes'], [/update\/download/u, /update\/install-pg1/u, /update\/restart-pg1/u]);
    const { code, all } = await cluster.run('update', '--yes');
    expect(code, all).toBe(0);
    expect([await installed(), await version()]).toEqual([wanted, upstream(wanted)]);
    const after = await start();
    expect(after).not.toBe(before);
    expect(await must(host, 'ls /usr/sbin/policy-rc.d 2>/dev/null || echo none')).toBe('none');
    await must(host, 'systemctl stop client');
    const lost = await must(
      host,
      "runuser -u postgres -- psql -XAtqc 'SELECT n FROM written' | sort >/root/there; sort /root/acknowledged | comm -23 - /root/there | wc -l",
    );
    expect(lost).toBe('0');
    const again = await cluster.run('update', '--yes');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('everything is as new as the repositories have it')]);
    expect(await start()).toBe(after);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('goes back by itself where the new version does not start', async () => {
    await offerBrokenServer(cluster.hosts, VERSION);
    const { code, all } = await cluster.run('update', '--yes');
    expect(code, all).not.toBe(0);
    expect(all).toContain('put back on pg1 what it had');
    expect([await installed(), await version()]).toEqual([wanted, upstream(wanted)]);
    const status = await cluster.run('status');
    expect(status.code, status.all).toBe(0);
  });
});
