import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { backupsOf, lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { labInventory, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const SERVER = ['base', 'pgdg', 'postgresql', 'replication', 'backup'];
const SHARED = '/mnt/backups';
/** Both clusters have their backups there, so that only their stanzas keep them apart. */
const REPOSITORIES = { nfs: { directory: `${SHARED}/all` } };
const DATA = '/var/lib/postgresql/17/main';
const UNIT = 'postgresql@17-main';
const ACCESS = '/var/lib/pgprov/source';

/** Where a run is broken off: a step of each kind, in the middle of what it does or right after it. */
const MOMENTS = [
  /clone\/access +changed/u,
  /clone\/stop-leader +changed/u,
  /clone\/aside +changed/u,
  /clone\/restore +waiting/u,
  /clone\/look +waiting/u,
  /clone\/own +changed/u,
  /clone\/end +changed/u,
  /clone\/note +changed/u,
  /clone\/lead +waiting/u,
  /clone\/slots +changed/u,
  /clone\/copy +waiting/u,
  /clone\/others +waiting/u,
  /clone\/synchronous +changed/u,
  /clone\/stanza +changed/u,
  /clone\/backup-\S+ +waiting/u,
];

/** pg1 and pg2 stream; what is cloned is two servers that stream, and one of its own. */
describe('pgprov clone without Patroni', () => {
  let cluster: TestCluster;
  let directory: string;
  let into: string;
  let alone: string;
  let another: string;
  let [pg1, pg2, pg3, pg4, pg5, pg6]: LabHost[] = [] as LabHost[];

  const given = (command: string, file: string, ...words: string[]): Promise<Finished> =>
    pgprov(command, file, ...words, '--output', 'plain');
  const clone = (...words: string[]): Promise<Finished> => given('clone', cluster.file, '--into', into, ...words);
  const ok = ({ code, all }: Finished): string => {
    expect(code, all).toBe(0);
    return all;
  };
  const archived = async (host = pg1 as LabHost, stanza = 'demo'): Promise<void> => {
    const segment = await sql(host, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");
    await expect.poll(() => lastArchived(host, stanza), { timeout: patience(60_000) }).toBe(segment);
  };
  const streams = (host: LabHost): Promise<string> =>
    sql(
      host,
      "select application_name || ' ' || state || ' ' || sync_state || ' ' || slot_name from pg_stat_replication join pg_replication_slots on active_pid = pid",
    );
  const oursAt = async (host: LabHost): Promise<string> =>
    (await must(host, `ls -d ${DATA}.aside-* ${ACCESS} /var/lib/postgresql/17/pgprov-* 2>/dev/null || :`)).trim();

  /** What must be the same of the source afterwards; WAL of another timeline is that of somebody else. */
  const sourceState = async (host = pg1 as LabHost, stanza = 'demo'): Promise<unknown> => {
    const { backup, archive } = await backupsOf(host, stanza);
    return {
      streams: await streams(host),
      archives: archive.map(({ id, min, max }) => ({ id, min, timeline: max?.slice(0, 8) })),
      histories: await must(host, `find ${SHARED}/all/archive/${stanza} -name '*.history*'`),
      backups: backup.map(({ label }) => label),
      failed: await sql(host, 'select failed_count from pg_stat_archiver'),
      files: await must(host, 'sha256sum /etc/pgbackrest.conf /etc/postgresql/17/main/conf.d/*'),
    };
  };

  beforeAll(async () => {
    cluster = await TestCluster.startSharing(SHARED, 'cloneplain', 'debian13', 6);
    const hosts = cluster.hosts as [LabHost, LabHost, LabHost, LabHost, LabHost, LabHost];
    [pg1, pg2, pg3, pg4, pg5, pg6] = hosts;
    const { hosts: _, ...base } = await labInventory(hosts);
    const addresses = (...of: LabHost[]): Record<string, string> => Object.fromEntries(of.map(({ name, address }) => [name, address]));
    const backup = { archive_timeout: 5, repositories: REPOSITORIES };
    await must(pg1, `install -d -o postgres -g postgres -m 750 ${SHARED}/all`);
    const source = { roles: SERVER, leader: 'pg1', replication: { synchronous: ['pg1', 'pg2'] }, backup };
    await writeFile(cluster.file, stringify({ ...base, ...source, hosts: addresses(pg1, pg2) }));
    directory = await mkdtemp(join(tmpdir(), 'pgprov-cloneplain-'));
    into = join(directory, 'copy.yml');
    alone = join(directory, 'one.yml');
    another = join(directory, 'two.yml');
    const copy = { ...base, cluster: 'copy', roles: SERVER, leader: 'pg5', replication: { synchronous: ['pg4', 'pg5'] }, backup };
    await writeFile(into, stringify({ ...copy, hosts: addresses(pg4, pg5) }));
    const roles = SERVER.filter((role) => role !== 'replication');
    await writeFile(alone, stringify({ ...base, cluster: 'one', roles, backup, hosts: addresses(pg3) }));
    await writeFile(another, stringify({ ...base, cluster: 'two', roles, backup, hosts: addresses(pg6) }));
    for (const file of [cluster.file, into, alone, another]) ok(await given('apply', file, '--yes'));
    await sql(pg1, 'create table orders as select generate_series(1, 1000) n');
    await sql(pg1, "create publication p; create subscription s connection 'host=127.0.0.1' publication p with (connect = false)");
    // These are in the data directory, and so in its backups.
    await sql(pg1, "alter system set archive_command = 'pgbackrest --stanza=demo archive-push %p'");
    await sql(pg1, "alter system set synchronous_standby_names = 'pg2'");
    await sql(pg1, 'select pg_reload_conf()');
    ok(await given('backup', cluster.file, '--yes'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  /** Gives the same command again and again, each broken off a little later, until one is done. */
  const killedAtEvery = async (moments: readonly RegExp[], ...words: string[]): Promise<void> => {
    await killAtEach(['clone', ...words, '--yes', '--output', 'plain'], moments);
    ok(await given('clone', words[0] ?? '', ...words.slice(1), '--yes'));
  };

  /** By PostgreSQL, systemd and pgBackRest themselves. */
  const expectWhole = async (source = pg1 as LabHost): Promise<void> => {
    const [primary, standby] = [pg5, pg4] as [LabHost, LabHost];
    await expect.poll(() => streams(primary), { timeout: patience(60_000) }).toBe('pg4 streaming sync pg4');
    const identifiers = await Promise.all([source, primary, standby].map((host) => controldata(host, 'Database system identifier')));
    expect(new Set(identifiers).size).toBe(1);
    for (const host of [primary, standby]) {
      expect(await must(host, `[ ! -e ${ACCESS} ] && systemctl is-active ${UNIT} pgprov-restored pgprov-restore || :`)).toBe(
        'active\ninactive\ninactive',
      );
      expect(await sql(host, 'show archive_command')).toBe('pgbackrest --stanza=copy archive-push %p');
    }
    await pgbackrest(primary, '--stanza=copy check');
    expect(ok(await given('apply', into, '--yes'))).toContain('No changes');
  };

  it('makes servers that stream, with the rows of that moment though it is killed at every step, and leaves the source alone', async () => {
    const host = pg1 as LabHost;
    const time = await sql(host, 'select clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await sql(host, 'drop table orders');
    await archived();
    const before = await sourceState();
    ok(await clone('--time', time, '--check'));
    for (const each of [pg4, pg5] as LabHost[]) expect(await oursAt(each)).toBe('');
    await killedAtEvery(MOMENTS, cluster.file, '--into', into, '--time', time);
    await expectWhole();
    for (const each of [pg4, pg5] as LabHost[]) expect(await sql(each, 'select count(*) from orders')).toBe('1000');
    expect(await sql(pg5 as LabHost, 'select subenabled, subslotname is null from pg_subscription')).toBe('f|t');
    expect((await backupsOf(pg5 as LabHost, 'copy')).backup.at(-1)).toMatchObject({ type: 'full', error: false });
    expect(await sourceState()).toEqual(before);
    await pgbackrest(host, '--stanza=demo check');
  });

  it('refuses what is not empty, and does not let data in that would be archived where its source is', async () => {
    const full = await clone('--latest', '--yes');
    expect(full.code, full.all).toBe(4);
    expect(full.all).toContain('copy is not empty');
    const before = await sourceState();
    const strange = '/etc/postgresql/17/main/conf.d/zz.conf';
    await must(pg5 as LabHost, `echo "archive_command = 'pgbackrest --stanza=demo archive-push %p'" >${strange}`);
    const refused = await clone('--latest', '--approve', '--yes');
    expect(refused.code, refused.all).toBe(1);
    expect(refused.all).toMatch(/the server would archive with pgbackrest --stanza=demo archive-push %p/u);
    expect(await must(pg5 as LabHost, `systemctl is-active ${UNIT} || :`)).toBe('inactive');
    expect(await sourceState()).toEqual(before);
    await must(pg5 as LabHost, `rm ${strange}`);
    ok(await clone('--latest', '--approve', '--yes'));
    await expectWhole();
    expect(await sql(pg5 as LabHost, "select to_regclass('orders') is null")).toBe('t');
    expect(await sourceState()).toEqual(before);
  });

  it('is taken back', async () => {
    await sql(pg5 as LabHost, 'create table kept as select 1 n');
    const run = start(['clone', cluster.file, '--into', into, '--latest', '--approve', '--yes', '--output', 'plain']);
    await run.printed(/clone\/own +changed/u);
    run.process.kill('SIGKILL');
    await run.finished;
    expect((await given('apply', into, '--yes')).code).toBe(4);
    ok(await clone('--undo', '--yes'));
    await expectWhole();
    for (const each of [pg4, pg5] as LabHost[]) expect(await sql(each, 'select n from kept')).toBe('1');
  });

  it('makes a server of its own from those that stream, which archives into its own stanza and waits for nobody', async () => {
    const host = pg3 as LabHost;
    await sql(pg1 as LabHost, 'create table newer as select 1 n');
    await archived();
    const before = await sourceState();
    ok(await given('clone', cluster.file, '--into', alone, '--latest', '--yes'));
    expect(await sql(host, 'select n from newer')).toBe('1');
    expect(await sql(host, "select current_setting('archive_command') || current_setting('synchronous_standby_names')")).toBe(
      'pgbackrest --stanza=one archive-push %p',
    );
    await sql(host, 'create table own as select 1 n');
    await pgbackrest(host, '--stanza=one check');
    expect(ok(await given('apply', alone, '--yes'))).toContain('No changes');
    expect(await sourceState()).toEqual(before);
    expect(await readFile(join(directory, '.pgprov', 'one', 'operation.json'), 'utf8').catch(() => '')).toBe('');
    await pgbackrest(pg1 as LabHost, '--stanza=demo check');
    expect(await streams(pg1 as LabHost)).toBe('pg2 streaming sync pg2');
    expect(await sql(pg2 as LabHost, 'select n from newer')).toBe('1');
  });

  it.each<[string, () => [string, LabHost], readonly RegExp[], () => Promise<void>]>([
    // They were made of the same database before, whose stanza of theirs fits this one as well.
    [
      'servers that stream',
      () => [into, pg5 as LabHost],
      MOMENTS.filter(({ source }) => !source.includes('stanza')),
      () => expectWhole(pg3),
    ],
    [
      'a server of its own',
      () => [another, pg6 as LabHost],
      MOMENTS.filter(({ source }) => !/slots|copy|others|synchronous/u.test(source)),
      async () => {
        expect(await sql(pg6 as LabHost, 'show archive_command')).toBe('pgbackrest --stanza=two archive-push %p');
        await pgbackrest(pg6 as LabHost, '--stanza=two check');
        expect(ok(await given('apply', another, '--yes'))).toContain('No changes');
      },
    ],
  ])('makes %s of a server of its own though it is killed at every step, and leaves that alone', async (_what, made, moments, isWhole) => {
    const [host, [file, clonedOn]] = [pg3 as LabHost, made()];
    await sql(host, 'create table orders as select generate_series(1, 700) n');
    ok(await given('backup', alone, '--yes'));
    const time = await sql(host, 'select clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await sql(host, 'drop table orders');
    await archived(host, 'one');
    const before = await sourceState(host, 'one');
    await killedAtEvery(moments, alone, '--into', file, '--time', time, '--approve');
    await isWhole();
    expect(await sql(clonedOn, 'select count(*) from orders')).toBe('700');
    expect(await sourceState(host, 'one')).toEqual(before);
    await pgbackrest(host, '--stanza=one check');
  });
});
