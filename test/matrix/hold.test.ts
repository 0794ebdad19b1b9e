import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { offerNextServer, upstream } from '../integration/support/newer-packages.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach } from '../integration/support/pgprov.js';
import { SYSTEMS, type LabHost } from '../lab/index.js';

const VERSION = SYSTEMS.debian13.postgresql;
const SERVER = `postgresql-${VERSION}`;
const CLIENT = `postgresql-client-${VERSION}`;
const ROLES = { roles: ['base', 'pgdg', 'postgresql'] };

describe('versions that are held, on Debian 13', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let present = '';
  let next = '';

  const installed = (): Promise<string> => must(host, `dpkg-query -W -f '\${Version}' ${SERVER}`);
  const held = (): Promise<string> => must(host, 'apt-mark showhold');
  const start = (): Promise<string> => must(host, `systemctl show -p InvocationID --value postgresql@${VERSION}-main`);
  const converge = async (): Promise<void> => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('mxhold', 'debian13', 1, 'packages');
    host = cluster.host('pg1');
    present = await installed();
    next = await offerNextServer(cluster.hosts, VERSION);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are installed exactly as the inventory pins them, and an update goes no further, and says so', async () => {
    await must(host, `apt-get -q -y purge ${SERVER} ${CLIENT} >/dev/null 2>&1 && apt-get -q update >/dev/null`);
    await cluster.write({ ...ROLES, postgresql: { minor: upstream(present) } });
    await converge();
    expect(await installed()).toBe(present);
    const before = await start();
    const { code, all } = await cluster.run('update', '--yes');
    expect([code, all]).toEqual([0, expect.stringContaining(`PostgreSQL ${upstream(present)} runs, as the inventory says`)]);
    const other = await cluster.run('update', '--yes', '--to', upstream(next));
    expect([other.code, other.all]).toEqual([2, expect.stringContaining(`the inventory has PostgreSQL in version ${upstream(present)}`)]);
    expect([await installed(), await start()]).toEqual([present, before]);
  });

  it('are left by an upgrade of the whole system, which moves what is not on hold', async () => {
    await cluster.write({ ...ROLES, base: { hold_packages: true } });
    await converge();
    expect(await held()).toBe(`${SERVER}\n${CLIENT}`);
    const before = await start();
    await must(host, 'apt-get -q -y upgrade >/dev/null 2>&1');
    expect([await installed(), await start()]).toEqual([present, before]);
  });

  it('are brought on by an update, killed as it installs, and stay on hold', async () => {
    await killAtEach(['update', cluster.file, '--yes'], [/update\/install-pg1/u]);
    const { code, all } = await cluster.run('update', '--yes');
    expect(code, all).toBe(0);
    expect([await installed(), await held()]).toEqual([next, `${SERVER}\n${CLIENT}`]);
    expect((await sql(host, 'SHOW server_version')).split(' ')[0]).toBe(upstream(next));
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('are told of where somebody has taken them off hold, and put back by apply', async () => {
    await must(host, `apt-mark unhold ${SERVER} >/dev/null`);
    const status = await cluster.run('status');
    expect(status.all).toContain('an upgrade of the whole system would restart');
    expect((await cluster.run('diff')).all).toContain(`put ${SERVER} on hold`);
    const mended = await cluster.run('update', '--yes');
    expect([mended.code, mended.all]).toEqual([0, expect.stringContaining(`put ${SERVER} on hold again on pg1`)]);
    expect(await held()).toBe(`${SERVER}\n${CLIENT}`);
    await must(host, `apt-mark unhold ${SERVER} >/dev/null`);
    await converge();
    expect(await held()).toBe(`${SERVER}\n${CLIENT}`);
  });

  it('are taken off hold where the inventory says so, and a pin that is behind is warned of', async () => {
    await cluster.write({ ...ROLES, base: { hold_packages: false }, postgresql: { minor: upstream(present) } });
    await converge();
    expect(await held()).toBe('');
    expect((await cluster.run('status')).all).toContain(`${SERVER} ${next} is installed, and the inventory says ${upstream(present)}`);
  });
});
