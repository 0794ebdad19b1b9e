import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { backupsOf, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictlConfig, patronictlList, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { withClient } from '../integration/support/written-cluster.js';
import { labInventory, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const CLERK = { user: 'clerk', password: 'clerk-of-the-lab' };
const { data: DATA } = placesOf('debian13');
const ACCESS = '/var/lib/pgprov/source';

/** Where a run is broken off: a step of each kind, in the middle of what it does or right after it. */
const MOMENTS = [
  /clone\/access +changed: write .*client.key/u,
  /clone\/stop-leader +changed/u,
  /clone\/aside +changed/u,
  /clone\/restore +waiting/u,
  /clone\/look +waiting/u,
  /clone\/own +changed/u,
  /clone\/forget +changed/u,
  /clone\/store +changed/u,
  /clone\/lead +waiting/u,
  /clone\/others +waiting/u,
  /clone\/stanza +changed/u,
  /clone\/backup-\S+ +waiting/u,
];

describe('pgprov clone', () => {
  let cluster: TestCluster;
  let directory: string;
  let into: string;
  let writer: Writer;
  let [pg1, repository, pg4, pg5]: LabHost[] = [] as LabHost[];

  const clone = (...words: string[]): Promise<Finished> => pgprov('clone', cluster.file, '--into', into, ...words, '--output', 'plain');
  const now = (): Promise<string> => sql(pg1 as LabHost, 'select clock_timestamp()');
  /** A moment later is not in the archive before a segment is. */
  const archived = async (): Promise<void> => {
    await sql(pg1 as LabHost, 'select pg_switch_wal()');
  };
  const passwordOf = async (path: string): Promise<string> => {
    const { parse } = await import('yaml');
    return (parse(await readFile(join(directory, '.pgprov', 'copy', 'passwords.yml'), 'utf8')) as Record<string, string>)[path] ?? '';
  };
  /** What must be the same of the source afterwards, but for WAL that it goes on to archive. */
  const sourceState = async (): Promise<unknown> => {
    const { backup, archive } = await backupsOf(repository as LabHost);
    return {
      members: (await patronictlList(pg1 as LabHost)).map(({ Member, Role, State, TL }) => ({ Member, Role, State, TL })),
      archives: archive.map(({ id, min }) => ({ id, min })),
      backups: backup.map(({ label }) => label),
      failed: await sql(pg1 as LabHost, 'select failed_count from pg_stat_archiver'),
      files: await must(repository as LabHost, 'sha256sum /etc/pgbackrest.conf /etc/pgbackrest/tls/*'),
      sessions: await must(repository as LabHost, 'ls /var/lib/pgprov'),
    };
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('clone', 'debian13', 5, 'packages');
    const hosts = cluster.hosts as [LabHost, LabHost, LabHost, LabHost, LabHost];
    [pg1, , repository, pg4, pg5] = hosts;
    const base = await labInventory(hosts);
    const addresses = { pg4: hosts[3].address, pg5: { address: hosts[4].address, roles: [...MEMBER, 'backup-repository'] } };
    await writeFile(
      cluster.file,
      stringify({
        ...base,
        ...withClient(),
        roles: MEMBER,
        backup: { archive_timeout: 5 },
        hosts: {
          pg1: hosts[0].address,
          pg2: hosts[1].address,
          pg3: {
            address: hosts[2].address,
            roles: ['base', 'firewall', 'pgdg', 'backup-repository'],
            firewall: { backend: 'nftables', member_networks: [hosts[3].address] },
          },
        },
      }),
    );
    directory = await mkdtemp(join(tmpdir(), 'pgprov-clone-'));
    into = join(directory, 'copy.yml');
    await writeFile(
      into,
      stringify({ ...base, ...withClient(), cluster: 'copy', roles: MEMBER, backup: { archive_timeout: 5 }, hosts: addresses }),
    );
    for (const file of [cluster.file, into]) {
      const { code, all } = await pgprov('apply', file, '--yes');
      expect(code, all).toBe(0);
    }
    await sql(pg1, `CREATE ROLE ${CLERK.user} LOGIN PASSWORD '${CLERK.password}'; GRANT CREATE ON SCHEMA public TO ${CLERK.user}`);
    const backup = await pgprov('backup', cluster.file, '--yes');
    expect(backup.code, backup.all).toBe(0);
    writer = await Writer.start({ addresses: [hosts[0].address, hosts[1].address], ...CLERK });
  });

  afterAll(async () => {
    await writer?.stop();
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  /** Gives the same command again and again, each broken off a little later, until one is done. */
  const killedAtEvery = async (...words: string[]): Promise<void> => {
    await killAtEach(['clone', cluster.file, '--into', into, ...words, '--yes', '--output', 'plain'], MOMENTS);
    const { code, all } = await clone(...words, '--yes');
    expect(code, all).toBe(0);
  };

  /** By PostgreSQL, Patroni, etcd and pgBackRest themselves. */
  const expectWhole = async (): Promise<void> => {
    const leader = pg4 as LabHost;
    const other = pg5 as LabHost;
    await expect
      .poll(() => describeMembers(leader).catch(() => []), { timeout: patience(60_000) })
      .toEqual(['pg4 Leader running', 'pg5 Replica streaming']);
    const identifiers = await Promise.all([pg1 as LabHost, leader, other].map((host) => controldata(host, 'Database system identifier')));
    const known = await etcdctl(leader, 'get /service/copy/initialize --print-value-only');
    expect(new Set([...identifiers, known]).size).toBe(1);
    expect(await must(leader, `[ ! -e ${ACCESS} ] && echo gone`)).toBe('gone');
    expect(await must(other, `[ ! -e ${ACCESS} ] && echo gone`)).toBe('gone');
    expect(await sql(leader, 'show archive_command')).toContain('--stanza=copy ');
    await pgbackrest(other, '--stanza=copy check');
    const login = async (name: string, path: string): Promise<string> =>
      must(
        other,
        `PGPASSWORD=${await passwordOf(path)} psql 'host=${leader.address} user=${name} dbname=postgres' -XAtqc 'select current_user'`,
      );
    expect(await login('postgres', 'postgresql.superuser_password')).toBe('postgres');
    expect(await login('rewind_user', 'patroni.rewind_password')).toBe('rewind_user');
    expect((await pgprov('diff', into)).code).toBe(0);
  };

  it('makes a cluster with the rows of that moment though it is killed at every step, disables what works for the source, and leaves that alone', async () => {
    const host = pg1 as LabHost;
    await sql(host, 'create table orders as select generate_series(1, 1000) n');
    await sql(host, "create publication p; create subscription s connection 'host=127.0.0.1' publication p with (connect = false)");
    await sql(host, "alter system set archive_command = 'pgbackrest --stanza=demo archive-push %p'");
    const [time, at] = [await now(), Date.now()];
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await sql(host, 'drop table orders');
    const dropped = Date.now();
    await archived();
    const before = await sourceState();
    const config = await patronictlConfig(pg4 as LabHost);
    const shown = await clone('--time', time, '--check');
    expect(shown.code, shown.all).toBe(0);
    expect(await must(pg4 as LabHost, `ls -d ${DATA}.aside-* ${ACCESS} 2>/dev/null || :`)).toBe('');

    await killedAtEvery('--time', time);
    await expectWhole();
    expect(await sql(pg4 as LabHost, 'select subenabled, subslotname is null from pg_subscription')).toBe('f|t');
    expect(await sql(pg4 as LabHost, 'select count(*) from orders')).toBe('1000');
    const there = new Set((await sql(pg4 as LabHost, 'select id from walk')).split('\n').map(Number));
    const wrong = writer.acknowledged.filter(
      ({ id, at: when }) => (when < at - 1000 && !there.has(id)) || (when > at + 1400 && when < dropped && there.has(id)),
    );
    expect(wrong).toEqual([]);
    expect(await patronictlConfig(pg4 as LabHost)).toBe(config);
    expect(await sourceState()).toEqual(before);
    expect(await writer.lost([])).toEqual([]);
  });

  it('refuses what is not empty, and the stanza of its source', async () => {
    const full = await clone('--latest', '--yes');
    expect(full.code, full.all).toBe(4);
    expect(full.all).toContain('copy is not empty');
    const text = await readFile(into, 'utf8');
    const same = join(directory, 'same.yml');
    await writeFile(same, text.replace('archive_timeout: 5', 'archive_timeout: 5\n  stanza: demo'));
    await must(
      pg5 as LabHost,
      `sed 's/on [0-9.]*"/on ${(pg5 as LabHost).address}"/' ${DATA}/pgprov.origin.jsonl >/tmp/o && cat /tmp/o >${DATA}/pgprov.origin.jsonl`,
    );
    const refused = await pgprov('apply', same, '--yes');
    expect(refused.code, refused.all).toBe(4);
    expect(refused.all).toContain('its data is a clone of demo, whose backups are under the same stanza demo');
  });

  it('makes another clone of the same cluster in the same stanza', async () => {
    await sql(pg1 as LabHost, 'create table newer as select 1 n');
    await archived();
    const before = await sourceState();
    const timeline = async (): Promise<number> => (await patronictlList(pg4 as LabHost))[0]?.TL ?? 0;
    const former = await timeline();
    const { code, all } = await clone('--latest', '--approve', '--yes');
    expect(code, all).toBe(0);
    expect(all).toContain('disabled subscription s in the database postgres');
    await expectWhole();
    expect(await timeline()).toBeGreaterThan(former);
    expect(await sql(pg4 as LabHost, 'select n from newer')).toBe('1');
    expect(await must(pg4 as LabHost, `ls -d ${DATA}.aside-* | wc -l`)).toBe('2');
    expect(await sourceState()).toEqual(before);
  });

  it('is taken back', async () => {
    await sql(pg4 as LabHost, 'create table kept as select 1 n');
    const run = start(['clone', cluster.file, '--into', into, '--latest', '--approve', '--yes', '--output', 'plain']);
    await run.printed(/clone\/look +waiting/u);
    run.process.kill('SIGKILL');
    await run.finished;
    expect((await pgprov('apply', into, '--yes')).code).toBe(4);
    const { code, all } = await clone('--undo', '--yes');
    expect(code, all).toBe(0);
    await expectWhole();
    expect(await sql(pg4 as LabHost, 'select n from kept')).toBe('1');
  });
});
