import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { must } from '../integration/support/outside.js';
import { SYSTEMS, type LabHost } from '../lab/index.js';

const VERSION = SYSTEMS.rocky9.postgresql;
const SERVER = `postgresql${VERSION}-server`;
const CONTRIB = `postgresql${VERSION}-contrib`;
const FILE = '/etc/yum.repos.d/pgdg-pgprov.repo';

describe('versions that are held, on Rocky 9', () => {
  let cluster: TestCluster;
  let host: LabHost;

  const offered = (name: string): Promise<string> => must(host, `dnf -q -C repoquery ${name} 2>/dev/null`);
  const converge = async (): Promise<void> => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  };
  const write = (hold: boolean): Promise<string> =>
    cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql'], base: { hold_packages: hold } });

  beforeAll(async () => {
    cluster = await TestCluster.start('mxholdr', 'rocky9', 1, 'packages');
    host = cluster.host('pg1');
    await write(true);
    await converge();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are hidden from an upgrade of the whole system, and pgprov installs and offers them all the same', async () => {
    expect([await offered(SERVER), await offered(CONTRIB)]).toEqual(['', '']);
    await must(host, `rpm -e ${CONTRIB}`);
    await converge();
    expect(await must(host, `rpm -q ${CONTRIB}`)).toContain(CONTRIB);
    const { code, all } = await cluster.run('update', '--yes');
    expect([code, all]).toEqual([0, expect.stringContaining('everything is as new as the repositories have it')]);
    const other = await cluster.run('update', '--yes', '--to', `${VERSION}.99`);
    expect([other.code, other.all]).toEqual([4, expect.stringMatching(new RegExp(`they offer ${VERSION}\\.\\d`, 'u'))]);
  });

  it('are told of where somebody has taken that away, put back by apply, and ended where the inventory says so', async () => {
    await must(host, `sed -i /^excludepkgs=/d ${FILE}`);
    expect(await offered(SERVER)).toContain(SERVER);
    const status = await cluster.run('status');
    expect(status.all).toContain('difference');
    expect((await cluster.run('diff')).all).toContain(FILE);
    await converge();
    expect(await offered(SERVER)).toBe('');
    await write(false);
    await converge();
    expect(await offered(SERVER)).toContain(SERVER);
  });
});
