import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { backupsOf, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, must, shellWord, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { labInventory, SELINUX_LOG, SELINUX_MODE, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const SERVER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'backup'];
const { data: DATA } = placesOf('rocky9');
const UNIT = 'postgresql-15';
const HERE = '/srv/backups';

/** Two servers that stream and a repository host, then a server of its own with a directory: all of their configuration lies with the data. */
describe('backups on Rocky 9 without Patroni', () => {
  let cluster: TestCluster;
  let directory: string;
  let alone: string;
  let [pg1, pg2, repository, one]: LabHost[] = [] as LabHost[];

  const given = (command: string, file: string, ...words: string[]): Promise<Finished> =>
    pgprov(...command.split(' '), file, ...words, '--output', 'plain');
  const run = async (command: string, file: string, ...words: string[]): Promise<string> => {
    const { code, all } = await given(command, file, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const dropLater = async (on: LabHost, table: string): Promise<string> => {
    const time = await sql(on, 'SELECT clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(on, `DROP TABLE ${table}`);
    return time;
  };
  const privately = (on: LabHost, statement: string): Promise<string> =>
    must(on, `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc ${shellWord(statement)} postgres`);
  const drills = async (on: LabHost): Promise<string> => (await must(on, 'ls -d /var/lib/pgsql/15/pgprov-* 2>/dev/null || :')).trim();
  /** By PostgreSQL, systemd and pgBackRest themselves. */
  const streams = async (): Promise<void> => {
    const asked = 'select application_name, state from pg_stat_replication';
    await expect.poll(() => sql(pg1 as LabHost, asked), { timeout: patience(60_000) }).toBe('pg2|streaming');
    await pgbackrest(repository as LabHost, '--stanza=demo check');
    for (const host of [pg1, pg2] as LabHost[])
      expect(await must(host, `systemctl is-active ${UNIT} pgprov-restored pgprov-restore || :`)).toBe('active\ninactive\ninactive');
    expect(await run('apply', cluster.file, '--yes')).toContain('No changes');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('bkplain9', 'rocky9', 4, 'packages');
    const hosts = cluster.hosts as [LabHost, LabHost, LabHost, LabHost];
    [pg1, pg2, repository, one] = hosts;
    for (const host of hosts) await must(host, `echo Enforcing >${SELINUX_MODE}`);
    const { hosts: _, ...base } = await labInventory(hosts);
    const common = { ...base, pgdg: { ...(base['pgdg'] as object), epel: true }, roles: SERVER };
    const repo1 = {
      address: repository.address,
      roles: ['base', 'firewall', 'pgdg', 'backup-repository'],
      firewall: { member_networks: [one.address] },
    };
    const demo = { ...common, leader: 'pg1', hosts: { pg1: pg1.address, pg2: pg2.address, repo1 }, backup: { archive_timeout: 5 } };
    await writeFile(cluster.file, stringify(demo));
    directory = await mkdtemp(join(tmpdir(), 'pgprov-bkplain9-'));
    alone = join(directory, 'one.yml');
    await must(one, `install -d -o postgres -g postgres -m 750 ${HERE}`);
    const backup = { archive_timeout: 5, repositories: { here: { directory: HERE } } };
    await writeFile(alone, stringify({ ...common, cluster: 'one', hosts: { one: one.address }, replication: {}, backup }));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  it('of servers that stream are set up, taken, verified and tried in a drill', async () => {
    expect(await run('apply', cluster.file, '--yes')).toContain('WAL arrives in the repositories');
    await streams();
    await sql(pg1 as LabHost, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) n');
    await sql(pg1 as LabHost, "ALTER SYSTEM SET archive_command = 'pgbackrest --stanza=demo archive-push %p'");
    await run('backup', cluster.file, '--yes');
    await run('backup verify', cluster.file);
    const told = await run('drill restore', cluster.file, '--check', 'SELECT count(*) = 1000 FROM orders');
    expect(told).toMatch(/RTO: .* on pg2, which restored/u);
    expect(await drills(pg2 as LabHost)).toBe('');
    expect(await must(repository as LabHost, `cat ${SELINUX_LOG}`)).toContain('/etc/pgbackrest.conf');
    await streams();
  });

  it('make a standby anew', async () => {
    const host = pg2 as LabHost;
    const told = await run('rebuild', cluster.file, '--host', 'pg2', '--from', 'backup', '--without-standby', '--yes');
    expect(told).toContain('with data that was restored from backup');
    expect(await must(host, `stat -c '%U:%G %a' ${DATA}; ls -d ${DATA}.aside-* | wc -l`)).toBe('postgres:postgres 700\n1');
    await streams();
    expect(await sql(host, 'SELECT count(*) FROM orders')).toBe('1000');
  });

  it('bring servers that stream back to the second before a DROP TABLE, also after a restore that was taken back', async () => {
    const host = pg1 as LabHost;
    const time = await dropLater(host, 'orders');
    const waits = await given('restore', cluster.file, '--time', time, '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(await privately(host, 'SELECT count(*) FROM orders')).toBe('1000');
    await run('restore', cluster.file, '--undo', '--yes');
    await streams();
    await run('restore', cluster.file, '--time', time, '--approve', '--yes');
    await streams();
    for (const each of [pg1, pg2] as LabHost[]) expect(await sql(each, 'SELECT count(*) FROM orders')).toBe('1000');
    expect((await backupsOf(repository as LabHost)).backup.at(-1)).toMatchObject({ type: 'full', error: false });
  });

  it('make a server of its own, which has nothing of the configuration of its source', async () => {
    const host = one as LabHost;
    await run('apply', alone, '--yes');
    await run('backup', alone, '--yes');
    for (const moment of [/clone\/own +changed/u, /clone\/configure +changed/u, /clone\/lead +waiting/u]) {
      const cut = start(['clone', cluster.file, '--into', alone, '--latest', '--yes', '--output', 'plain']);
      await cut.printed(moment);
      cut.process.kill('SIGKILL');
      await cut.finished;
    }
    await run('clone', cluster.file, '--into', alone, '--latest', '--yes');
    expect(await sql(host, 'SELECT count(*) FROM orders')).toBe('1000');
    expect(await sql(host, 'SHOW archive_command')).toContain('--stanza=one ');
    expect(await must(host, `grep -rhE 'demo|${(pg2 as LabHost).address}' ${DATA}/*.conf ${DATA}/conf.d | grep -v '^#' || :`)).toBe('');
    expect(await controldata(host, 'Database system identifier')).toBe(await controldata(pg1 as LabHost, 'Database system identifier'));
    await pgbackrest(host, '--stanza=one check');
    expect(await run('apply', alone, '--yes')).toContain('No changes');
    await streams();
  });

  it('bring a server of its own back, and are tried there', async () => {
    const host = one as LabHost;
    const time = await dropLater(host, 'orders');
    await run('restore', alone, '--time', time, '--approve', '--yes');
    expect(await sql(host, 'SELECT count(*) FROM orders')).toBe('1000');
    await run('drill restore', alone, '--check', 'SELECT count(*) = 1000 FROM orders');
    expect(await drills(host)).toBe('');
    await run('backup verify', alone);
    expect(await run('apply', alone, '--yes')).toContain('No changes');
  });
});
