import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { EARLIER, labInventory, SYSTEMS, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

const { postgresql: older } = EARLIER;
const { postgresql: newer } = SYSTEMS.debian13;
const MEMBER = ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'];
const CLERK = { user: 'clerk', password: 'clerk-of-the-lab', database: 'shop' };
/** As many as take some seconds to copy. */
const ROWS = 2_000_000;
const ACCESS = '/var/lib/pgprov/migrate';

/** Where a run is broken off: right after each step, and in the middle of what takes a while; a script that runs on a host goes on there. */
const MOMENTS = [
  /migrate\/access +changed/u,
  /migrate\/roles +changed/u,
  /migrate\/database-shop +note: reading/u,
  /migrate\/subscribe-shop +changed/u,
  /migrate\/analyze +changed/u,
];

/** pg1 is the former cluster, pg2 the new one. */
describe('pgprov migrate from one major version to a later one, on Debian 13', () => {
  let cluster: TestCluster;
  let directory: string;
  let into: string;
  let [pg1, pg2]: LabHost[] = [] as LabHost[];
  let writer: Writer | undefined;

  const given = (...words: string[]): Promise<Finished> => pgprov(...words, '--output', 'plain');
  const migrate = (...words: string[]): Promise<Finished> => given('migrate', cluster.file, '--into', into, '--yes', ...words);
  const ok = ({ code, all }: Finished): string => {
    expect(code, all).toBe(0);
    return all;
  };
  const inDatabase = (host: LabHost, statement: string, database = 'shop'): Promise<string> =>
    must(host, `cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d ${database} -c "${statement}"`);
  const writeSource = async (changes: { postgresql?: object; patroni?: object }): Promise<void> => {
    const { hosts: _, ...base } = await labInventory(cluster.hosts);
    const source = { ...base, roles: MEMBER, hosts: { pg1: (pg1 as LabHost).address } };
    await writeFile(
      cluster.file,
      stringify({ ...source, postgresql: { version: older, ...changes.postgresql }, patroni: changes.patroni ?? {} }),
    );
  };
  /** Nothing of a migration is left where it should not be. */
  const expectNothingLeft = async (): Promise<void> => {
    expect(await sql(pg1 as LabHost, 'SELECT count(*) FROM pg_replication_slots')).toBe('0');
    expect(await inDatabase(pg1 as LabHost, 'SELECT count(*) FROM pg_publication')).toBe('0');
    expect(await sql(pg2 as LabHost, 'SELECT count(*) FROM pg_subscription')).toBe('0');
    expect(await must(pg2 as LabHost, `[ ! -e ${ACCESS} ] && echo gone`)).toBe('gone');
    expect(await readdir(join(directory, '.pgprov', 'new'))).not.toContain('operation.json');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('mxmigrate', 'debian13', 2, 'packages');
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    directory = await mkdtemp(join(tmpdir(), 'pgprov-migrate-'));
    into = join(directory, 'new.yml');
    const { hosts: _, ...base } = await labInventory(cluster.hosts);
    const hba = [`host shop ${CLERK.user} 0.0.0.0/0 scram-sha-256`];
    const target = { ...base, cluster: 'new', roles: MEMBER, hosts: { pg2: pg2.address }, postgresql: { version: newer, hba } };
    await writeFile(into, stringify(target));
    await writeSource({});
    for (const file of [cluster.file, into]) ok(await given('apply', file, '--yes'));
    await sql(pg1, `CREATE ROLE ${CLERK.user} LOGIN PASSWORD '${CLERK.password}'`);
    await sql(pg1, `CREATE DATABASE shop OWNER ${CLERK.user}`);
    await inDatabase(
      pg1,
      `SET ROLE ${CLERK.user}; CREATE TABLE orders (id bigserial PRIMARY KEY, text text); INSERT INTO orders (text) SELECT md5(g::text) FROM generate_series(1, ${ROWS}) g; CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM orders; CREATE TABLE log (line text); ALTER DATABASE shop SET work_mem = '7MB'; ALTER DATABASE shop CONNECTION LIMIT 50`,
    );
  });

  afterAll(async () => {
    await writer?.stop();
    // For a minute doctor takes clients that a closed database refused for ones that still come.
    await new Promise((resolve) => setTimeout(resolve, 65_000));
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  it('says what keeps it from the other cluster, and changes nothing', async () => {
    const dropped = await migrate();
    expect([dropped.code, dropped.all]).toEqual([2, expect.stringContaining('ignore_slots: [{type: logical, plugin: pgoutput}]')]);
    const patroni = { dynamic: { ignore_slots: [{ type: 'logical', plugin: 'pgoutput' }] } };
    await writeSource({ patroni });
    ok(await given('apply', cluster.file, '--yes'));
    const line = `host all postgres ${(pg2 as LabHost).address}/32 scram-sha-256`;
    const shut = await migrate();
    expect([shut.code, shut.all]).toEqual([4, expect.stringContaining(`\`${line}\` in postgresql.hba`)]);
    const hba = [line, `host shop ${CLERK.user} 0.0.0.0/0 scram-sha-256`];
    await writeSource({ patroni, postgresql: { hba } });
    ok(await given('apply', cluster.file, '--yes'));
    const rule = `ipproto tcp sport 5432 to ${(pg2 as LabHost).address} blackhole`;
    await must(pg1 as LabHost, `ip rule add priority 100 ${rule}`);
    const filtered = await migrate();
    await must(pg1 as LabHost, `ip rule del ${rule}`);
    expect([filtered.code, filtered.all]).toEqual([4, expect.stringContaining('as behind a firewall that filters')]);
    await writeSource({ patroni, postgresql: { hba, superuser_password: 'another-one' } });
    const password = await migrate();
    expect([password.code, password.all]).toEqual([4, expect.stringContaining('does not take the superuser’s password')]);
    await writeSource({ patroni, postgresql: { hba } });
    await sql(pg2 as LabHost, 'CREATE DATABASE shop');
    const refused = await migrate();
    await sql(pg2 as LabHost, 'DROP DATABASE shop');
    expect(refused.code, refused.all).toBe(4);
    for (const said of ['wal_level of demo is replica', 'log of shop has no replica identity', 'new has a database shop already'])
      expect(refused.all).toContain(said);
    await writeSource({ patroni, postgresql: { hba, parameters: { wal_level: 'logical' } } });
    ok(await given('apply', cluster.file, '--yes'));
    ok(await given('restart', cluster.file, '--pending', '--yes'));
    await inDatabase(pg1 as LabHost, 'SELECT lo_create(4711)');
    const objects = await migrate();
    expect([objects.code, objects.all]).toEqual([4, expect.stringContaining('shop has 1 large object')]);
    await inDatabase(pg1 as LabHost, 'SELECT lo_unlink(4711)');
    await inDatabase(pg1 as LabHost, 'ALTER TABLE log REPLICA IDENTITY FULL');
    ok(await migrate('--check'));
    expect(await sql(pg2 as LabHost, "SELECT count(*) FROM pg_database WHERE datname = 'shop'")).toBe('0');
    await expectNothingLeft();
  });

  it('is taken back before the switch, and the copy is kept', async () => {
    ok(await migrate());
    expect(await inDatabase(pg2 as LabHost, 'SELECT count(*) FROM orders')).toBe(String(ROWS));
    ok(await migrate('--undo'));
    await expectNothingLeft();
    const kept = await sql(pg2 as LabHost, "SELECT datname FROM pg_database WHERE datname LIKE 'shop%'");
    expect(kept).toMatch(/^shop\.aside-\d{8}T\d{6}Z$/u);
    expect(await inDatabase(pg2 as LabHost, 'SELECT count(*) FROM orders', kept)).toBe(String(ROWS));
    await sql(pg2 as LabHost, `DROP DATABASE "${kept}"`);
    await sql(pg2 as LabHost, `DROP ROLE ${CLERK.user}`);
  });

  it('copies while a client writes, also after kill -9 at each step', async () => {
    writer = await Writer.start({ addresses: [(pg1 as LabHost).address], or: [(pg2 as LabHost).address], ...CLERK });
    await killAtEach(['migrate', cluster.file, '--into', into, '--yes', '--output', 'plain'], MOMENTS);
    expect(ok(await migrate())).toContain('--switch');
    expect(await inDatabase(pg2 as LabHost, 'SELECT count(*) FROM orders')).toBe(String(ROWS));
    expect(ok(await migrate())).toContain('Clients still use demo');
    ok(await given('apply', into, '--yes'));
  });

  it('does not switch where definitions differ, or a superuser is connected, and the other cluster goes on', async () => {
    await inDatabase(pg1 as LabHost, 'ALTER TABLE orders ADD note text');
    const differs = await migrate('--switch');
    expect([differs.code, differs.all]).toEqual([4, expect.stringContaining('< column public.orders note text')]);
    await inDatabase(pg2 as LabHost, 'ALTER TABLE orders ADD note text');
    await must(pg1 as LabHost, "cd / && systemd-run -q --unit=stranger runuser -u postgres -- psql -d shop -c 'SELECT pg_sleep(600)'");
    await expect
      .poll(() => sql(pg1 as LabHost, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(600)' AND datname = 'shop'"))
      .toBe('1');
    const connected = await migrate('--switch');
    expect([connected.code, connected.all]).toEqual([4, expect.stringMatching(/postgres to shop \(psql, process \d+\)/u)]);
    await must(pg1 as LabHost, 'systemctl stop stranger');
    await sql(pg1 as LabHost, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%sleep(600)' AND datname = 'shop'");
    const before = writer?.acknowledged.length ?? 0;
    await expect.poll(() => writer?.acknowledged.length ?? 0, { timeout: patience(20_000) }).toBeGreaterThan(before);
    expect(await inDatabase(pg1 as LabHost, 'SELECT count(*) > 0 FROM walk')).toBe('t');
  });

  it('breaks off within a minute or two where the network swallows the other cluster in the middle of the switch, and goes on', async () => {
    const rule = `ipproto tcp sport 5432 to ${(pg2 as LabHost).address} blackhole`;
    const run = start(['migrate', cluster.file, '--into', into, '--switch', '--yes', '--output', 'plain']);
    await run.printed(/migrate\/switch +note: closing/u);
    await must(pg1 as LabHost, `ip rule add priority 100 ${rule}`);
    const { code, all } = await run.finished;
    await must(pg1 as LabHost, `ip rule del ${rule}`);
    expect([code, all]).toEqual([1, expect.stringContaining('the databases there are still closed')]);
    expect(await sql(pg1 as LabHost, "SELECT datconnlimit FROM pg_database WHERE datname = 'shop'")).toBe('0');
    expect(await sql(pg2 as LabHost, "SELECT datconnlimit FROM pg_database WHERE datname = 'shop'")).toBe('0');
  });

  it('switches with no acknowledged row lost, also after kill -9 within', async () => {
    await inDatabase(pg1 as LabHost, `SELECT setval('orders_id_seq', ${ROWS + 1000})`);
    await killAtEach(
      ['migrate', cluster.file, '--into', into, '--switch', '--yes', '--output', 'plain'],
      [/migrate\/switch +note: closing/u, /migrate\/switch +note: the last changes/u, /migrate\/unsubscribe +changed/u],
    );
    expect(ok(await migrate('--switch'))).toMatch(/nobody could write for \d+\.\d s/u);
    await expectNothingLeft();
    const at = writer?.acknowledged.length ?? 0;
    await expect.poll(() => writer?.acknowledged.length ?? 0, { timeout: patience(20_000) }).toBeGreaterThan(at + 3);
    expect(await writer?.lost([])).toEqual([]);
    expect(
      await inDatabase(
        pg2 as LabHost,
        "SELECT nextval('orders_id_seq') || ' ' || (SELECT n FROM totals) || ' ' || current_setting('work_mem')",
      ),
    ).toBe(`${ROWS + 1001} ${ROWS} 7MB`);
    expect(await sql(pg2 as LabHost, "SELECT datconnlimit || ' ' || pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'")).toBe(
      '50 clerk',
    );
    expect(await sql(pg1 as LabHost, "SELECT datconnlimit FROM pg_database WHERE datname = 'shop'")).toBe('0');
    expect(ok(await migrate('--switch'))).toContain('is served by new');
    for (const file of [cluster.file, into]) ok(await given('apply', file, '--yes'));
  });

  it('is taken back after the switch, and what was written since is kept aside', async () => {
    await writer?.stop();
    await inDatabase(pg2 as LabHost, "INSERT INTO orders (text) VALUES ('since')");
    ok(await migrate('--undo'));
    await expectNothingLeft();
    expect(await sql(pg1 as LabHost, "SELECT datconnlimit FROM pg_database WHERE datname = 'shop'")).toBe('50');
    expect(await inDatabase(pg1 as LabHost, "SELECT count(*) FROM orders WHERE text = 'since'")).toBe('0');
    const kept = await sql(pg2 as LabHost, "SELECT datname FROM pg_database WHERE datname LIKE 'shop%'");
    expect(kept).toMatch(/^shop\.aside-/u);
    expect(await inDatabase(pg2 as LabHost, "SELECT count(*) FROM orders WHERE text = 'since'", kept)).toBe('1');
  });
});
