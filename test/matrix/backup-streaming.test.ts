import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, shellWord, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const SERVER = ['base', 'pgdg', 'postgresql', 'replication', 'backup'];
const DATA = '/var/lib/postgresql/17/main';
const UNIT = 'postgresql@17-main';
const SHARED = '/mnt/backups';

/** Two servers that stream, and a repository host; then a directory that both have mounted. */
describe('servers that stream without Patroni', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let repository: LabHost;

  const given = (command: string, ...words: string[]): Promise<Finished> => pgprov(...command.split(' '), cluster.file, ...words);
  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await given(command, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const write = (leader: string, repositories?: Record<string, unknown>, synchronous = ['pg1', 'pg2']): Promise<string> =>
    cluster.write({
      roles: SERVER,
      leader,
      hosts: {
        pg1: pg1.address,
        pg2: pg2.address,
        pg3: { address: repository.address, roles: repositories === undefined ? ['base', 'pgdg', 'backup-repository'] : [] },
      },
      replication: { synchronous },
      backup: { archive_timeout: 5, ...(repositories === undefined ? {} : { repositories }) },
    });
  const record = (): Promise<string> => readFile(join(cluster.directory, '.pgprov', 'demo', 'operation.json'), 'utf8').catch(() => '');
  const streams = (host: LabHost): Promise<string> =>
    sql(
      host,
      "select application_name || ' ' || state || ' ' || sync_state || ' ' || slot_name from pg_stat_replication join pg_replication_slots on active_pid = pid",
    );
  const timeline = (host: LabHost): Promise<string> => sql(host, 'select left(pg_walfile_name(pg_current_wal_lsn()), 8)');
  const archived = async (from: LabHost, on: LabHost): Promise<void> => {
    const segment = await sql(from, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");
    await expect.poll(() => lastArchived(on), { timeout: patience(60_000) }).toBe(segment);
  };
  const dropLater = async (on: LabHost, table: string): Promise<string> => {
    const time = await sql(on, 'SELECT clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(on, `DROP TABLE ${table}`);
    return time;
  };
  /** By PostgreSQL, systemd and pgBackRest themselves: that one takes writes, the other streams synchronously, and WAL arrives. */
  const expectWhole = async (primary: LabHost, standby: LabHost, on: LabHost): Promise<void> => {
    await expect.poll(() => streams(primary), { timeout: patience(60_000) }).toBe(`${standby.name} streaming sync ${standby.name}`);
    expect(await sql(standby, 'select pg_is_in_recovery()')).toBe('t');
    await pgbackrest(on, '--stanza=demo check');
    for (const host of [primary, standby])
      await expect
        .poll(
          () =>
            must(
              host,
              `systemctl is-active ${UNIT} pgprov-restored pgprov-restore; grep recovery_target ${DATA}/postgresql.auto.conf; ls /etc/systemd/system/${UNIT}.service.d 2>/dev/null; :`,
            ),
          { timeout: patience(30_000) },
        )
        .toBe('active\ninactive\ninactive');
    expect(await record()).toBe('');
    expect(await run('apply', '--yes')).toContain('No changes');
  };

  beforeAll(async () => {
    cluster = await TestCluster.startSharing(SHARED, 'bkstream', 'debian13');
    [pg1, pg2, repository] = [cluster.host('pg1'), cluster.host('pg2'), cluster.host('pg3')];
    await write('pg1');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are backed up from a standby, and only the primary archives', async () => {
    expect(await run('apply', '--yes')).toContain('check  ok: WAL arrives in the repositories');
    await expectWhole(pg1, pg2, repository);
    await sql(pg1, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) n');
    expect(await run('backup', '--yes')).toContain('a new backup is in pg3');
    expect(await must(repository, 'journalctl -u pgprov-backup@diff -o cat')).toContain('wait for replay on the standby');
    expect(await sql(pg2, 'SELECT archived_count FROM pg_stat_archiver')).toBe('0');
    await run('backup verify');
    expect(await run('status')).toMatch(/last backup .*full[^]*healthy/u);
  });

  it('are tried in a drill on the standby, also after each of its steps was cut off, and go on meanwhile', async () => {
    const files = 'cd /var/lib/postgresql/17; ls -d [p]gprov-drill-* /run/[p]gprov-drill 2>/dev/null; pgrep -af "[p]gprov-drill-"; :';
    for (const step of ['hold', 'begin', 'restore', 'recover', 'check']) {
      const cut = start(['drill', 'restore', cluster.file, '--check', 'SELECT pg_sleep(5) IS NOT NULL', '--output', 'plain']);
      await cut.printed(new RegExp(`drill restore/${step}`, 'u'));
      cut.process.kill('SIGKILL');
      await cut.finished;
    }
    const told = await run('drill restore', '--check', 'SELECT count(*) = 1000 FROM orders', '--output', 'plain');
    expect(told).toMatch(/RTO: .* on pg2, which restored [^]*RPO: /u);
    for (const host of [pg1, pg2]) expect(await must(host, files)).toBe('');
    expect(await must(repository, 'systemctl is-active pgprov-drill-hold || :')).toBe('inactive');
    expect(await run('drill restore', '--on', 'pg1', '--output', 'plain')).toContain('pg1 takes writes: the drill shares its disks');
    expect(await must(pg1, files)).toBe('');
    await expectWhole(pg1, pg2, repository);
  });

  it('are backed up and archived by the other primary when that has changed', async () => {
    await must(pg1, `install -o postgres -g postgres -m 600 /dev/null ${DATA}/standby.signal; systemctl stop ${UNIT}`);
    await sql(pg2, 'SELECT pg_promote()');
    await write('pg2');
    await run('apply', '--yes');
    await expectWhole(pg2, pg1, repository);
    await archived(pg2, repository);
    await must(repository, 'systemctl start pgprov-backup@incr');
    expect((await backupsOf(repository)).backup.at(-1)).toMatchObject({
      type: 'incr',
      archive: { stop: expect.stringMatching(/^00000002/u) },
    });
  });

  it('go back to the second before a DROP TABLE, also after it was killed while standbys are copied, with slots and synchronous standbys', async () => {
    const time = await dropLater(pg2, 'orders');
    const shown = await run('restore', '--time', time, '--check');
    expect(shown).toMatch(/stop PostgreSQL on pg1\n[^]*stop PostgreSQL on pg2, the primary/u);
    expect(shown).not.toMatch(/Patroni|etcd/u);
    const waits = await given('restore', '--time', time, '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(
      await must(
        pg2,
        `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc ${shellWord('SELECT count(*) FROM orders')} postgres`,
      ),
    ).toBe('1000');
    for (const host of [pg1, pg2]) expect((await host.exec(`systemctl start ${UNIT}`)).code).not.toBe(0);
    const killed = start(['restore', cluster.file, '--approve', '--yes', '--output', 'plain']);
    await killed.printed(/restore\/copy .*pg1|pg1 .*restore\/copy/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    expect((await given('apply', '--yes')).code).toBe(4);
    expect(await run('restore', '--yes')).toMatch(
      /pg2 takes writes with what was restored.*main\.aside-\S+ on pg1 and .*main\.aside-\S+ on pg2/u,
    );
    await expectWhole(pg2, pg1, repository);
    for (const host of [pg1, pg2]) expect(await sql(host, 'SELECT count(*) FROM orders')).toBe('1000');
    expect(await timeline(pg2)).toBe('00000003');
    expect((await backupsOf(repository)).backup.at(-1)).toMatchObject({ type: 'full', error: false });
  });

  it('have what was there before again when a restore on the other host is taken back', async () => {
    await sql(pg2, 'CREATE TABLE kept AS SELECT generate_series(1, 10) n');
    const label = (await backupsOf(repository)).backup.at(-1)?.label ?? '';
    const waits = await given('restore', '--backup', label, '--host', 'pg1', '--yes');
    expect(waits.code, waits.all).toBe(1);
    await run('restore', '--undo', '--yes');
    await expectWhole(pg2, pg1, repository);
    expect(await sql(pg1, 'SELECT count(*) FROM kept')).toBe('10');
  });

  it('make a standby anew in a copy of what it had, also after that was cut off, and follow the primary', async () => {
    const aside = async (): Promise<number> => Number(await must(pg1, `ls -d ${DATA}.aside-* | wc -l`));
    const before = await aside();
    await sql(pg2, 'CREATE TABLE later AS SELECT generate_series(1, 10) n');
    const words = ['rebuild', cluster.file, '--host', 'pg1', '--from', 'backup', '--without-standby', '--yes', '--output', 'plain'];
    const waits = await pgprov(...words);
    expect(waits.code, waits.all).toBe(4);
    expect(waits.all).toContain('no commit would end until it is rebuilt');
    await write('pg2', undefined, []);
    await run('apply', '--yes');
    for (const moment of [/rebuild\/put-aside +changed/u, /rebuild\/restore +waiting/u, /replication\/start +changed/u]) {
      const cut = start(words);
      await cut.printed(moment);
      cut.process.kill('SIGKILL');
      await cut.finished;
    }
    const done = await pgprov(...words);
    expect(done.code, done.all).toBe(0);
    expect(done.all).toMatch(/pg1 streams as a standby of pg2, with data that was restored from backup/u);
    await write('pg2');
    await run('apply', '--yes');
    await expectWhole(pg2, pg1, repository);
    expect(await aside()).toBe(before + 1);
    expect(await sql(pg1, 'SELECT count(*) FROM later')).toBe('10');
  });

  it('take backups in a directory that both have, by the timer of the primary alone, and are restored on the other host', async () => {
    await must(pg1, `install -d -o postgres -g postgres -m 750 ${SHARED}/one`);
    for (const host of [pg1, pg2]) await must(host, 'systemctl disable --now pgbackrest');
    await write('pg2', { nfs: { directory: `${SHARED}/one` } });
    await run('apply', '--host', 'pg1', '--host', 'pg2', '--yes');
    for (const host of [pg1, pg2]) await must(host, 'systemctl start pgprov-backup@full');
    expect(await must(pg1, 'journalctl -u pgprov-backup@full -o cat')).toContain('pg1 is a standby, so the backup is for the primary');
    expect((await backupsOf(pg1)).backup).toHaveLength(1);
    expect(await run('backup', '--yes')).toContain('a new backup is in nfs');
    const time = await dropLater(pg2, 'kept');
    await archived(pg2, pg1);
    await run('restore', '--time', time, '--host', 'pg1', '--approve', '--yes');
    expect(await streams(pg1)).toMatch(/^pg2 streaming/u);
    for (const host of [pg1, pg2]) expect(await sql(host, 'SELECT count(*) FROM kept')).toBe('10');
    await write('pg1', { nfs: { directory: `${SHARED}/one` } });
    await run('apply', '--yes');
    await expectWhole(pg1, pg2, pg1);
  });
});
