import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, must, shellWord, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const SINGLE = ['base', 'pgdg', 'postgresql', 'replication'];
const REPOSITORY = ['base', 'pgdg', 'backup-repository'];
const DATA = '/var/lib/postgresql/17/main';
const UNIT = 'postgresql@17-main';

/** A server of its own: its backups, and what they are for, on a repository host and then in a directory. */
describe('a server without Patroni', () => {
  let cluster: TestCluster;
  let server: LabHost;
  let repository: LabHost;

  const given = (command: string, ...words: string[]): Promise<Finished> => pgprov(...command.split(' '), cluster.file, ...words);
  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await given(command, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const write = (server: string[], repositories: Record<string, unknown> | undefined): Promise<string> =>
    cluster.write({
      roles: server,
      hosts: {
        pg1: cluster.host('pg1').address,
        pg2: { address: cluster.host('pg2').address, roles: repositories === undefined ? REPOSITORY : [] },
      },
      ...(server.includes('backup') ? { backup: { archive_timeout: 5, ...(repositories === undefined ? {} : { repositories }) } } : {}),
    });
  /** SQL on the private server, as the message says that one looks. */
  const privately = (statement: string): Promise<string> =>
    must(server, `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc ${shellWord(statement)} postgres`);
  const asides = async (): Promise<string[]> => (await must(server, `ls -d ${DATA}.aside-* 2>/dev/null || :`)).split('\n').filter(Boolean);
  const timeline = (): Promise<string> => controldata(server, "Latest checkpoint's TimeLineID");
  const record = (): Promise<string> => readFile(join(cluster.directory, '.pgprov', 'demo', 'operation.json'), 'utf8').catch(() => '');
  const archived = async (on: LabHost): Promise<void> => {
    const segment = await sql(server, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");
    await expect.poll(() => lastArchived(on), { timeout: patience(60_000) }).toBe(segment);
  };
  /** The moment, and a change a second later that is to be undone. */
  const dropLater = async (table: string): Promise<string> => {
    const time = await sql(server, 'SELECT clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(server, `DROP TABLE ${table}`);
    return time;
  };
  /** By PostgreSQL, systemd and pgBackRest themselves. */
  const expectWhole = async (on: LabHost): Promise<void> => {
    await pgbackrest(on, '--stanza=demo check');
    expect(await must(server, `systemctl is-active ${UNIT}; systemctl is-active pgprov-restored pgprov-restore; pg_lsclusters -h`)).toMatch(
      /^active\ninactive\ninactive\n17\s+main\s+5432\s+online/u,
    );
    expect(
      await must(
        server,
        `ls ${DATA}/recovery.signal ${DATA}/standby.signal 2>/dev/null; grep recovery_target ${DATA}/postgresql.auto.conf; :`,
      ),
    ).toBe('');
    expect(await must(on, 'systemctl is-active pgprov-backup@full.timer; systemctl is-enabled pgprov-backup@full.timer')).toBe(
      'active\nenabled',
    );
    expect(await record()).toBe('');
    expect(await run('apply', '--yes')).toContain('No changes');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('bksingle', 'debian13', 2, 'packages');
    [server, repository] = [cluster.host('pg1'), cluster.host('pg2')];
    await write(SINGLE, {});
    const made = await pgprov('apply', cluster.file, '--host', 'pg1', '--yes');
    expect(made.code, made.all).toBe(0);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is told that archiving takes a restart when the role is added, and proves the rest after it', async () => {
    await write([...SINGLE, 'backup'], undefined);
    const added = await run('apply', '--yes');
    expect(added).toContain('that WAL arrives in the repositories is not proved: archive_mode takes a restart of PostgreSQL');
    const told = await given('status');
    expect(told.all).toMatch(/restart it on pg1, by the command that `pgprov status/u);
    expect(told.all).toContain(`\`systemctl restart ${UNIT}\`, as root there`);
    const early = await given('backup', '--yes');
    expect(early.code, early.all).toBe(1);
    await must(server, `systemctl restart ${UNIT}`);
    expect(await run('apply', '--yes')).toContain('check  ok: WAL arrives in the repositories');
    expect(await run('apply', '--yes')).toContain('No changes');
  });

  it('is backed up by command and by timer, and the backups are listed and read', async () => {
    await sql(server, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) n');
    expect(await run('backup', '--yes')).toContain('a new backup is in pg2');
    await must(repository, 'systemctl start pgprov-backup@incr');
    expect((await backupsOf(repository)).backup.map(({ type }) => type)).toEqual(['full', 'incr']);
    expect(await run('backups')).toMatch(/repository pg2: 2 backups/u);
    await run('backup verify');
    expect(await run('status')).toMatch(/last backup .*incr[^]*healthy/u);
  });

  it.each([
    ['--lsn', '9F/0', 'WAL location 9F/0 is in the future: '],
    ['--xid', '4000000000', 'transaction 4000000000 is in the future: '],
  ])('is not restored to a place where it has never been: %s %s', async (option, value, says) => {
    const refused = await given('restore', option, value, '--yes');
    expect(refused.code, refused.all).toBe(4);
    expect(refused.all).toContain(says);
    expect(await must(server, `systemctl is-active ${UNIT}`)).toBe('active');
    expect(await record()).toBe('');
  });

  it('goes back to the second before a DROP TABLE, also after it was killed, and shows the data before clients are let in', async () => {
    const [time, before] = [await dropLater('orders'), await timeline()];
    const shown = await run('restore', '--time', time, '--check');
    expect(shown).toContain('stop PostgreSQL on pg1');
    expect(shown).not.toMatch(/Patroni|etcd/u);
    expect(await asides()).toEqual([]);

    const killed = start(['restore', cluster.file, '--time', time, '--yes', '--output', 'plain']);
    await killed.printed(/restore\/restore .*pg1|pg1 .*restore\/restore/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const other = await given('apply', '--yes');
    expect(other.code, other.all).toBe(4);

    const waits = await given('restore', '--time', time, '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(waits.all).toMatch(/waits for your approval.*recovery.*on timeline/u);
    expect(await privately('SELECT count(*) FROM orders')).toBe('1000');
    // Nobody gets in, also after a boot or by hand, and nothing of the new timeline is archived.
    expect((await server.exec(`systemctl start ${UNIT}`)).code).not.toBe(0);
    await expect(sql(server, 'SELECT 1')).rejects.toThrow();
    expect((await backupsOf(repository)).archive.at(-1)?.max?.slice(0, 8)).toBe(`0000000${before}`);

    expect(await run('restore', '--approve', '--yes')).toContain(`What was there before is in ${(await asides())[0]} on pg1`);
    await expectWhole(repository);
    expect(await sql(server, 'SELECT count(*) FROM orders')).toBe('1000');
    expect(Number(await timeline())).toBeGreaterThan(Number(before));
    expect((await backupsOf(repository)).backup.at(-1)).toMatchObject({ type: 'full', error: false });
  });

  it('has what was there before again when the restore is taken back', async () => {
    const before = await asides();
    await sql(server, 'CREATE TABLE kept AS SELECT generate_series(1, 10) n');
    const waits = await given('restore', '--backup', (await backupsOf(repository)).backup.at(-1)?.label ?? '', '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(await privately("SELECT to_regclass('kept') IS NULL")).toBe('t');
    await run('restore', '--undo', '--yes');
    await expectWhole(repository);
    expect(await sql(server, 'SELECT count(*) FROM kept')).toBe('10');
    expect(await asides()).toHaveLength(before.length + 1);
  });

  it('comes back on a host that has lost everything', async () => {
    await archived(repository);
    await must(server, `pg_dropcluster --stop 17 main; rm -rf ${DATA}* /var/lib/pgprov /etc/pgbackrest.conf`);
    const empty = await given('apply', '--yes');
    expect(empty.code, empty.all).toBe(4);
    expect(empty.all).toContain('has a stanza demo of another database');
    // WAL that has just arrived could be that of a cluster that lives: the refusal says in how many seconds it is told apart.
    let restored = await given('restore', '--latest', '--approve', '--yes');
    const seconds = /run this again in (\d+) second/u.exec(restored.all)?.[1];
    if (seconds !== undefined) {
      expect(restored.code, restored.all).toBe(4);
      await new Promise((resolve) => setTimeout(resolve, (Number(seconds) + 1) * 1000));
      restored = await given('restore', '--latest', '--approve', '--yes');
    }
    expect(restored.code, restored.all).toBe(0);
    expect(await sql(server, 'SELECT count(*) FROM kept')).toBe('10');
    await run('apply', '--yes');
    await expectWhole(repository);
  });

  it('does all of it with a directory of its own as well', async () => {
    await must(server, 'install -d -o postgres -g postgres -m 750 /srv/backups; systemctl disable --now pgbackrest');
    await write([...SINGLE, 'backup'], { here: { directory: '/srv/backups' } });
    await run('apply', '--host', 'pg1', '--yes');
    expect(await run('backup', '--yes')).toContain('a new backup is in here');
    const time = await dropLater('kept');
    await archived(server);
    await must(server, 'systemctl start pgprov-backup@incr');
    await run('restore', '--time', time, '--approve', '--yes');
    expect(await sql(server, 'SELECT count(*) FROM kept')).toBe('10');
    await run('drill restore', '--check', 'SELECT count(*) = 10 FROM kept');
    await run('backup verify');
    await expectWhole(server);
  });
});
