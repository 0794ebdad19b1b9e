import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LabHost, SELINUX_LOG, SELINUX_MODE } from '../lab/index.js';
import { describeInTurn } from '../support/family-turn.js';
import { TestCluster } from './support/cluster.js';
import { must } from './support/outside.js';
import type { Finished } from './support/pgprov.js';

const DATA = '/srv/pg/data';

describeInTurn('servers without Patroni', 'Rocky', 'a server without Patroni on Rocky 9', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let first: Finished;

  const psql = (statement: string): Promise<string> =>
    must(host, `runuser -u postgres -- psql -p 5433 -XAtq -v ON_ERROR_STOP=1 -c "${statement}"`);

  async function apply(postgresql: Record<string, unknown> = {}): Promise<Finished> {
    await cluster.write({
      roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'],
      postgresql: {
        version: 15,
        data_dir: DATA,
        port: 5433,
        parameters: { work_mem: '7MB' },
        locale: 'fr_FR.UTF-8',
        hba: ['local app app trust'],
        ...postgresql,
      },
    });
    return cluster.run('apply');
  }

  beforeAll(async () => {
    cluster = await TestCluster.start('itrocsta', 'rocky9', 1, 'packages');
    host = cluster.host('pg1');
    await must(host, `echo Enforcing >${SELINUX_MODE}`);
    first = await apply();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is made by PGDG’s script in the directory that the inventory names', async () => {
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
    expect(await psql('show data_directory')).toBe(DATA);
    expect(await psql('show data_checksums')).toBe('on');
    expect(await psql('show work_mem')).toBe('7MB');
    expect(await psql('show lc_messages')).toBe('C');
    expect(await must(host, 'systemctl show -p Environment --value postgresql-15')).toContain(`PGDATA=${DATA}`);
    expect(await must(host, 'systemctl is-enabled postgresql-15')).toBe('enabled');
    expect(await must(host, 'ls -A /srv/pg /var/lib/pgsql/15/data')).toBe('/srv/pg:\ndata\n\n/var/lib/pgsql/15/data:');
    expect((await host.exec('ls /etc/systemd/system | grep initdb')).stdout).toBe('');
  });

  it('has its locale from the package of its language', async () => {
    expect(first.all).toContain('generate the locale fr_FR.UTF-8');
    expect(await psql("select datcollate from pg_database where datname = 'postgres'")).toBe('fr_FR.UTF-8');
    expect(await must(host, 'rpm -q --qf "%{NAME}" glibc-langpack-fr')).toBe('glibc-langpack-fr');
  });

  it('has the access lines of the inventory where they take effect', async () => {
    await psql('create role app login');
    await psql('create database app owner app');
    expect(await must(host, 'runuser -u nobody -- psql -p 5433 -XAtq -U app -d app -c "select 1"')).toBe('1');
  });

  it('has its directory and its port labelled when SELinux is on, and SELinux stays on', async () => {
    const log = await must(host, `cat ${SELINUX_LOG}`);
    expect(log).toMatch(/semanage fcontext -a -t postgresql_db_t \/srv\/pg\/data\(\/\.\*\)\?/u);
    expect(log).toMatch(/restorecon -R \/srv\/pg\/data/u);
    expect(log).toMatch(/semanage port -a -t postgresql_port_t -p tcp 5433/u);
    expect(log).not.toMatch(/setenforce/u);
    expect(await must(host, 'getenforce')).toBe('Enforcing');
  });

  it('is not changed by a second apply', async () => {
    const started = await psql('select pg_postmaster_start_time()');
    const second = await apply();
    expect(second.code).toBe(0);
    expect(second.all).toContain('No changes');
    expect(await psql('select pg_postmaster_start_time()')).toBe(started);
  });

  it('applies a changed parameter with a reload', async () => {
    const started = await psql('select pg_postmaster_start_time()');
    expect((await apply({ parameters: { work_mem: '9MB' } })).code).toBe(0);
    expect(await psql('show work_mem')).toBe('9MB');
    expect(await psql('select pg_postmaster_start_time()')).toBe(started);
  });

  it('keeps its data directory when the inventory names another', async () => {
    const run = await apply({ data_dir: '/srv/other' });
    expect(run.code).toBe(4);
    expect(run.all).toMatch(/postgresql\.data_dir is \/srv\/other \(\S+:\d+\), but PostgreSQL runs in \/srv\/pg\/data/u);
    expect((await host.exec('[ -e /srv/other ]')).code).toBe(1);
    expect(await psql('show data_directory')).toBe(DATA);
  });

  it('is taken for Rocky Linux on a rebuild of the same version, where that is allowed', async () => {
    await must(host, 'cp -L /etc/os-release /root/os-release && rm /etc/os-release');
    await must(host, `printf 'ID="almalinux"\nVERSION_ID="9.4"\n' >/etc/os-release`);
    try {
      const refused = await apply({ parameters: { work_mem: '9MB' } });
      expect([refused.code, refused.all]).toEqual([
        1,
        expect.stringMatching(/pg1 runs AlmaLinux 9, on which pgprov was not tested/u) as string,
      ]);
      const planned = await cluster.run('plan', '--allow-untested', '--detailed-exitcode');
      expect([planned.code, planned.all]).toEqual([0, expect.stringMatching(/warning: .*treated like Rocky Linux 9/u) as string]);
      expect((await cluster.run('plan')).code).toBe(1);
      expect((await cluster.run('apply', '--allow-untested')).code).toBe(0);
      expect((await cluster.run('plan', '--detailed-exitcode')).code).toBe(0);
    } finally {
      await must(host, 'cp /root/os-release /etc/os-release');
    }
  });

  it('is refused with a path that the platform’s tools would split', async () => {
    const run = await apply({ data_dir: '/srv/my data' });
    expect(run.code).not.toBe(0);
    expect(run.all).toMatch(/can hold only letters, digits|but PostgreSQL runs in \/srv\/pg\/data/u);
  });
});
