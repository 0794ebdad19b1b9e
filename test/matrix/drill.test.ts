import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Drill } from '../../src/lib/drill.js';
import { backupsOf, lastArchived } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const REPOSITORY = '/var/lib/pgbackrest';

describe('drills of a restore', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  const drill = (...words: string[]): Promise<Finished> => pgprov('drill', 'restore', cluster.file, '--output', 'plain', ...words);
  const history = async (): Promise<Drill[]> =>
    (await readFile(join(cluster.directory, '.pgprov', 'demo', 'drills.jsonl'), 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Drill);
  const switchWal = (): Promise<string> =>
    sql(pg1, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");
  const archived = async (): Promise<string> => {
    const segment = await switchWal();
    await expect.poll(() => lastArchived(pg3), { timeout: patience(60_000) }).toBe(segment);
    return segment;
  };
  const full = (): Promise<string> => must(pg3, 'systemctl start pgprov-backup@full');
  const newest = async (): Promise<string> => (await backupsOf(pg3)).backup.at(-1)?.label ?? '';

  /** By the host itself. */
  const expectNothingLeft = async (host: LabHost): Promise<void> => {
    const left = 'ls -d /var/lib/postgresql/*/pgprov-drill-* /srv/*/pgprov-drill-* /run/pgprov-drill 2>/dev/null || :';
    await expect.poll(() => must(host, left), { timeout: patience(60_000) }).toBe('');
    expect(await must(host, 'pgrep -af "[p]gprov-drill-" || :')).toBe('');
    expect(await must(pg3, 'systemctl is-active pgprov-drill-hold || :')).toBe('inactive');
    expect(await describeMembers(pg1)).toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
  };

  const expectFound = async (run: Finished, words: RegExp, on = pg2): Promise<void> => {
    expect(run.code, run.all).toBe(1);
    expect(run.all).toMatch(words);
    await expectNothingLeft(on);
  };

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    const hosts = { pg1: pg1.address, pg2: pg2.address, pg3: { address: pg3.address, roles: [...MEMBER, 'backup-repository'] } };
    await cluster.write({ roles: MEMBER, hosts });
    const applied = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(applied.code, applied.all).toBe(0);
    await sql(pg1, 'CREATE TABLE orders AS SELECT generate_series(1, 200000) n');
    await full();
    await sql(pg1, 'INSERT INTO orders SELECT generate_series(1, 200000)');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('take a standby by themselves, and prove what is in the repository', async () => {
    await archived();
    const run = await drill('--check', 'SELECT count(*) FROM orders');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toMatch(/what --check asks is so.*400000/u);
    expect(run.all).toMatch(/RTO: .*\n?.*RPO: /u);
    const [last] = (await history()).slice(-1);
    expect(last).toMatchObject({ ok: true, answer: ['400000'] });
    expect(last?.on).not.toBe('pg1');
    await expectNothingLeft(cluster.host(last?.on ?? ''));
  });

  it.each<[string, RegExp]>([
    ['it begins', /drill restore\/begin/u],
    ['it restores', /drill restore\/restore/u],
    ['it recovers, or has just done so', /drill restore\/(?:recover|release)/u],
    ['its databases are looked through', /drill restore\/check/u],
    ['it is removed', /drill restore\/compare/u],
  ])('begin anew after pgprov was killed while %s', async (_when, printed) => {
    const killed = start([
      'drill',
      'restore',
      cluster.file,
      '--on',
      'pg2',
      '--check',
      'SELECT pg_sleep(5) IS NOT NULL',
      '--output',
      'plain',
    ]);
    await killed.printed(printed);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const run = await drill('--on', 'pg2');
    expect(run.code, run.all).toBe(0);
    await expectNothingLeft(pg2);
  });

  it('begin anew after the host lost its power', async () => {
    const cut = start(['drill', 'restore', cluster.file, '--on', 'pg2', '--check', 'SELECT pg_sleep(1000) IS NULL', '--output', 'plain']);
    await cut.printed(/drill restore\/check/u);
    await pg2.kill();
    expect((await cut.finished).code).not.toBe(0);
    await pg2.start();
    await expect.poll(() => describeMembers(pg1), { timeout: patience(120_000) }).toContain('pg2 Replica streaming');
    const run = await drill('--on', 'pg2');
    expect(run.code, run.all).toBe(0);
    await expectNothingLeft(pg2);
  });

  it('are refused while somebody watches another one there, and go on by themselves when nobody does', async () => {
    const first = start(['drill', 'restore', cluster.file, '--on', 'pg2', '--check', 'SELECT pg_sleep(1000) IS NULL', '--output', 'plain']);
    await first.printed(/drill restore\/check/u);
    const status = await pgprov('status', cluster.file);
    expect(status.code, status.all).toBe(0);
    const second = await drill('--on', 'pg2');
    expect(second.code, second.all).toBe(4);
    expect(second.all).toContain('another drill runs on pg2');
    first.process.kill('SIGKILL');
    await first.finished;
    await must(pg2, 'systemctl stop pgprov-drill');
    expect(await must(pg2, 'grep ^ended= /var/lib/pgprov/drill/last')).toBe('ended=stopped');
    await must(pg2, 'ls /var/lib/postgresql/17/ | grep -c drill | grep -qx 0');
  });

  it('go to the moment before a table was dropped, and fail where the query wants what is not so', async () => {
    const time = await sql(pg1, 'SELECT clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(pg1, 'CREATE TABLE later (n int)');
    await archived();
    const run = await drill('--on', 'pg2', '--time', time, '--check', "SELECT to_regclass('later') IS NULL");
    expect(run.code, run.all).toBe(0);
    await expectFound(
      await drill('--on', 'pg2', '--check', "SELECT to_regclass('later') IS NULL"),
      /what --check asks is so: it is not: f/u,
    );
    await expectFound(await drill('--on', 'pg2', '--check', 'SELECT nothing'), /column "nothing" does not exist/u);
  });

  it('restore tablespaces below their own directory, and leave those of the cluster alone', async () => {
    for (const host of cluster.hosts) await must(host, 'install -d -o postgres -g postgres -m 700 /srv/space');
    await sql(pg1, "CREATE TABLESPACE space LOCATION '/srv/space'");
    await sql(pg1, 'CREATE TABLE spaced TABLESPACE space AS SELECT generate_series(1, 1000) n');
    await full();
    const listed = (): Promise<string> => must(pg2, 'find /srv/space -type f -printf "%P %i\\n" | sort');
    await expect.poll(listed, { timeout: patience(60_000) }).toMatch(/\d/u);
    const before = await listed();
    const run = await drill('--on', 'pg2', '--check', 'SELECT count(*) = 1000 FROM spaced');
    expect(run.code, run.all).toBe(0);
    expect(await listed()).toBe(before);
    await expectNothingLeft(pg2);
  });

  it('have backups wait while they read, and these begin when they have recovered', async () => {
    const going = start(['drill', 'restore', cluster.file, '--on', 'pg2', '--output', 'plain']);
    await going.printed(/drill restore\/begin/u);
    const before = (await backupsOf(pg3)).backup.length;
    await must(pg3, 'systemctl start --no-block pgprov-backup@diff');
    const { code, all } = await going.finished;
    expect(code, all).toBe(0);
    await expect.poll(async () => (await backupsOf(pg3)).backup.length, { timeout: patience(120_000) }).toBeGreaterThan(before);
  });

  it('do not begin where there is no room, and end where the disk becomes full', async () => {
    await must(
      pg2,
      'mkdir -p /srv/small /srv/filled && mount -t tmpfs -o size=40m none /srv/small && mount -t tmpfs -o size=400m none /srv/filled',
    );
    const small = await drill('--on', 'pg2', '--directory', '/srv/small');
    expect(small.code, small.all).toBe(4);
    expect(small.all).toContain('there is no room in /srv/small on pg2');
    const filled = start([
      'drill',
      'restore',
      cluster.file,
      '--on',
      'pg2',
      '--directory',
      '/srv/filled',
      '--check',
      'SELECT pg_sleep(1000) IS NULL',
      '--output',
      'plain',
    ]);
    await filled.printed(/drill restore\/check/u);
    await must(pg2, 'dd if=/dev/zero of=/srv/filled/other bs=1M status=none || :');
    await expectFound(await filled.finished, /the disk became full/u);
    await must(pg2, 'umount /srv/small /srv/filled');
  });

  it('find a backup that is damaged in the repository', async () => {
    await full();
    const path = (await must(pg3, `find ${REPOSITORY}/backup/demo/${await newest()}/bundle -type f | sort | head -n 1`)).trim();
    await must(
      pg3,
      `mkdir -p /root/away && cp -p ${path} /root/away/bundle && printf damaged | dd of=${path} bs=1 seek=5000 conv=notrunc status=none`,
    );
    await expectFound(await drill('--on', 'pg2'), /can be restored: it cannot: /u);
    expect((await history()).at(-1)).toMatchObject({ ok: false, on: 'pg2' });
    const shown = await pgprov('backups', cluster.file);
    expect(shown.all).toMatch(/✖ drill .* on pg2/u);
    await must(pg3, `cp -p /root/away/bundle ${path}`);
  });

  it('find WAL that is missing, and WAL that cannot be read', async () => {
    const lost = await archived();
    await archived();
    const path = `${REPOSITORY}/archive/demo/17-1/${lost.slice(0, 16)}/${lost}-*`;
    await must(
      pg3,
      `mkdir -p /root/wal && cp -p ${path} /root/wal/ && for file in ${path}; do printf damaged | dd of=$file bs=1 seek=100 conv=notrunc status=none; done`,
    );
    await expectFound(
      await drill('--on', 'pg2'),
      /recovers it to the last commit that is archived, and serves it: it does not: .*could not restore file/u,
    );
    await must(pg3, `rm ${path}`);
    await expectFound(await drill('--on', 'pg2'), new RegExp(`lacks the WAL files ${lost.slice(8)}`, 'u'));
    await must(pg3, `cp -p /root/wal/* ${path.slice(0, path.lastIndexOf('/'))}/`);
    const run = await drill('--on', 'pg2');
    expect(run.code, run.all).toBe(0);
  });

  it('find a page of the database that is damaged, in a backup that has it', async () => {
    await sql(pg1, 'CREATE TABLE broken AS SELECT generate_series(1, 10000) n; CHECKPOINT');
    const file = await sql(pg1, "SELECT pg_relation_filepath('broken')");
    await must(pg1, `printf damaged | dd of=/var/lib/postgresql/17/main/${file} bs=1 seek=9000 conv=notrunc status=none`);
    await must(pg3, 'cd / && runuser -u postgres -- pgbackrest --stanza=demo --type=full --backup-standby=n backup');
    await expectFound(await drill('--on', 'pg2', '--backup', await newest()), /all page checksums match: .*block 1/u);
  });
});
