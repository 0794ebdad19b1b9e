import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, must } from './support/outside.js';
import type { Finished } from './support/pgprov.js';

const LINES = ['local app app scram-sha-256', 'host app app 127.0.0.1/32 trust', 'local all dbadmin md5'];

describe('a cluster with a superuser, access lines and a locale of the user’s own', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let unknown: Finished;
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('itlines', 'debian13', 1, 'packages');
    host = cluster.host('pg1');
    await cluster.write({ postgresql: { locale: 'xx_YY.UTF-8' } });
    unknown = await cluster.run('apply');
    await cluster.write({ postgresql: { superuser: 'dbadmin', locale: 'de_DE.UTF-8', hba: LINES } });
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  /** What psql says to a statement, or why it does not, as the user postgres of the host unless another is named. */
  async function ask(connection: string, statement: string, user = 'postgres'): Promise<string> {
    const { stdout, stderr } = await host.exec(`cd / && runuser -u ${user} -- psql -XAtwq -d "${connection}" -c "${statement}" 2>&1`);
    return `${stdout}${stderr}`.trim();
  }

  const asSuperuser = (statement: string): Promise<string> => ask('user=dbadmin dbname=postgres', statement);

  it('is refused with a locale that the system does not know, before anything is changed', () => {
    expect(unknown.code).toBe(4);
    expect(unknown.all).toMatch(/pg1\s+failed: the system knows no locale xx_YY\.UTF-8/u);
    expect(unknown.all).toContain('Nothing was changed');
  });

  it('is made, and the superuser logs in on the socket as the server’s owner', async () => {
    expect(first.code, first.all).toBe(0);
    expect(await describeMembers(host)).toEqual(['pg1 Leader running']);
    expect(await asSuperuser('SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user')).toBe('dbadmin|t');
    const { code, stdout } = await cluster.run('psql', '--', '-Atc', 'SELECT current_user');
    expect([code, stdout.trim()]).toEqual([0, 'dbadmin']);
  });

  it('has its locale, which the host did not have', async () => {
    expect(first.all).toContain('generate the locale de_DE.UTF-8');
    expect(await asSuperuser("SELECT datcollate FROM pg_database WHERE datname = 'postgres'")).toBe('de_DE.UTF-8');
  });

  it('lets the user’s lines decide, except where the cluster needs its own', async () => {
    await asSuperuser('CREATE ROLE app LOGIN');
    await asSuperuser('CREATE DATABASE app OWNER app');
    expect(await ask('user=app dbname=app', 'SELECT 1')).toContain('no password supplied');
    expect(await ask('host=127.0.0.1 user=app dbname=app', 'SELECT 1')).toBe('1');
    // Everybody else comes in as before.
    await must(host, 'id ann >/dev/null 2>&1 || useradd ann');
    await asSuperuser('CREATE ROLE ann LOGIN');
    expect(await ask('user=ann dbname=postgres', 'SELECT 1', 'ann')).toBe('1');
    expect(await ask('host=127.0.0.1 user=ann dbname=postgres', 'SELECT 1', 'ann')).toContain('no password supplied');
  });

  it('is told of a line that never takes effect', () => {
    expect(first.all).toMatch(
      /warning: .*postgresql\.hba\[2\]: has no effect: pgprov’s own line "local all dbadmin peer map=pgprov", which the cluster needs, comes first/u,
    );
  });

  it('takes another order of the lines by a reload alone, and has nothing to do after it', async () => {
    const started = await asSuperuser('SELECT pg_postmaster_start_time()');
    await cluster.write({ postgresql: { superuser: 'dbadmin', locale: 'de_DE.UTF-8', hba: [...LINES].reverse() } });
    const plan = await cluster.run('plan');
    expect(plan.stdout).toContain('reload');
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await asSuperuser("SELECT auth_method FROM pg_hba_file_rules WHERE database = '{app}' ORDER BY rule_number LIMIT 1")).toBe(
      'trust',
    );
    expect(await asSuperuser('SELECT pg_postmaster_start_time()')).toBe(started);
    const again = await cluster.run('plan', '--detailed-exitcode');
    expect(again.code, again.all).toBe(0);
  });

  it('puts back lines that were edited so that nobody gets in, pgprov among them', async () => {
    const { stdout } = await host.exec('ls /var/lib/postgresql/*/main/pg_hba.conf');
    await must(
      host,
      `f='${stdout.trim()}'; { echo 'local all all reject'; echo 'host all all all reject'; cat "$f"; } >"$f.n" && cat "$f.n" >"$f" && rm "$f.n"`,
    );
    await asSuperuser('SELECT pg_reload_conf()');
    expect(await asSuperuser('SELECT 1')).toContain('rejects connection');
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(await asSuperuser('SELECT 1')).toBe('1');
    expect((await cluster.run('plan', '--detailed-exitcode')).code).toBe(0);
  });

  it('refuses the default superuser now, as every other name', async () => {
    await cluster.write({ postgresql: { locale: 'de_DE.UTF-8' } });
    const run = await cluster.run('apply');
    expect([run.code, run.all]).toEqual([4, expect.stringContaining('Patroni works as dbadmin') as string]);
  });
});
