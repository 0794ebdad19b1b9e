import { spawn, spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { databaseBrought, databaseSubscribed, migrationCopiedGate, rolesBrought } from '../../src/resources/migrate/copy.js';
import { migrationCopies, type MigrationCopy } from '../../src/resources/migrate/copies.js';
import { migrationSeen, type MigratedDatabase, type MigrationSeen } from '../../src/resources/migrate/seen.js';
import { movedOver, openedThere, putAside, unsubscribed } from '../../src/resources/migrate/switch.js';
import type { Observation, Resource } from '../../src/resources/resource.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { joinScripts, type Script } from '../../src/shell/quote.js';
import { patience } from '../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();
const NAME = 'pgprov_migrate_t';
const text = (script: Script): string => `note() { echo "note: $1"; }\n(\n${script.text}\n)`;

/** Both clusters are servers of this machine, each reached through its socket. */
describe.runIf(binaries !== undefined && userInfo().uid === 0)('a migration between two servers', () => {
  const programs = binaries ?? '';
  let [there, here]: RunningServer[] = [] as RunningServer[];
  const where = (server: RunningServer | undefined): RunningServer => server as RunningServer;
  const migrating = (): Parameters<typeof rolesBrought>[0] => ({
    server: { binDirectory: programs, socketDirectory: where(here).socket, port: 5432, user: 'postgres', home: '/' },
    source: {
      servers: [{ address: where(there).socket, port: 5432 }],
      user: 'postgres',
      password: new Secret('of-the-source'),
      authority: undefined,
      own: [],
    },
    name: NAME,
  });
  const inShop = (server: RunningServer | undefined, statement: string): string => {
    const { program, words } = asPostgres(`${programs}/psql`, '-h', where(server).socket, '-d', 'shop', '-XAtqc', statement);
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', cwd: '/' });
    expect(status, stderr).toBe(0);
    return stdout.trim();
  };
  const limit = (server: RunningServer | undefined): string | undefined =>
    where(server).query("SELECT datconnlimit FROM pg_database WHERE datname = 'shop'")[0];
  const run = (script: Script): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', text(script)], { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };
  const carriedOut = (resource: Resource): void => {
    expect(run(resource.probe()).status).not.toBe(0);
    const { status, said } = run(resource.apply([], undefined));
    expect(status, said).toBe(0);
    expect(run(resource.probe()).status).toBe(0);
  };
  const look = (): MigrationSeen => {
    const { server, source } = migrating();
    const observation = migrationSeen(server, source, where(here).data);
    const { status, stdout } = spawnSync('/bin/sh', ['-c', text(observation.probe())]);
    return observation.parse({ status: status ?? 1, out: stdout });
  };
  const shop = (): MigratedDatabase => look().source?.databases.find(({ datname }) => datname === 'shop') as MigratedDatabase;
  const slot = (database: MigratedDatabase): string => `${NAME}_${database.oid}`;
  const switching = (database: MigratedDatabase): Resource =>
    movedOver(migrating(), 't', [{ datname: 'shop', slot: slot(database), limit: 50, mark: 't 1', cluster: 'demo' }]);

  beforeAll(() => {
    there = startServer(programs, { wal_level: 'logical' });
    here = startServer(programs);
    there.query(
      'CREATE ROLE clerk LOGIN PASSWORD \'p\'; CREATE ROLE readers; GRANT readers TO clerk; ALTER ROLE clerk SET search_path = public, "A b"',
    );
    there.query('CREATE DATABASE shop OWNER clerk CONNECTION LIMIT 50');
    there.query("ALTER DATABASE shop SET work_mem = '7MB'; REVOKE CONNECT ON DATABASE shop FROM PUBLIC");
    inShop(
      there,
      `SET ROLE clerk; CREATE TABLE orders (id bigserial PRIMARY KEY, text text DEFAULT 'a''b'); INSERT INTO orders SELECT FROM generate_series(1, 100);
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9); INSERT INTO parted VALUES (1)`,
    );
    inShop(there, 'CREATE SCHEMA "we ird"; CREATE TABLE "we ird"."T%a" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)');
  });

  afterAll(() => {
    there?.stop();
    here?.stop();
  });

  it('brings roles, definitions and rows', { timeout: patience(60_000) }, async () => {
    carriedOut(rolesBrought(migrating()));
    const role =
      "SELECT rolpassword || ' ' || rolcanlogin || (SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = r.oid) || pg_has_role(rolname, 'readers', 'member') FROM pg_authid r WHERE rolname = 'clerk'";
    expect(here?.query(role)).toEqual(there?.query(role));
    carriedOut(databaseBrought(migrating(), { database: shop(), version: look().target?.version ?? 0, mark: 't 1 copying demo 1 1' }));
    expect([
      limit(here),
      here?.query(
        "SELECT pg_get_userbyid(datdba) || ' ' || (SELECT string_agg(x::text, chr(32) ORDER BY x::text) FROM unnest(datacl) x) FROM pg_database WHERE datname = 'shop'",
      ),
    ]).toEqual([
      '0',
      there?.query(
        "SELECT pg_get_userbyid(datdba) || ' ' || (SELECT string_agg(x::text, chr(32) ORDER BY x::text) FROM unnest(datacl) x) FROM pg_database WHERE datname = 'shop'",
      ),
    ]);
    carriedOut(databaseSubscribed(migrating(), shop()));
    const gate = migrationCopiedGate(migrating(), ['shop'], 'none');
    await expect.poll(() => run(gate.probe()).status, { timeout: patience(30_000), interval: 500 }).toBe(0);
    expect(
      inShop(here, "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM parted) || ' ' || current_setting('work_mem')"),
    ).toBe('100 1 7MB');
    expect(look().target?.contents['shop']).toMatchObject({ copying: 0, differs: [] });
    const { server } = migrating();
    const copies = migrationCopies(server).thorough as Observation<MigrationCopy[] | undefined>;
    const asked = sharedSections([copies]).map(({ body }) => body);
    const { stdout } = spawnSync('/bin/sh', ['-c', text(joinScripts([...asked, copies.probe()]))]);
    expect(copies.parse({ status: 0, out: stdout })).toEqual([
      {
        database: 'shop',
        mark: 't 1 copying demo 1 1',
        subscription: { enabled: true, receives: true, heardSeconds: expect.any(Number) },
        tables: { all: 3, left: 0 },
      },
    ]);
    expect(here?.query('SELECT subconninfo FROM pg_subscription').join()).not.toContain('of-the-source');
  });

  it('opens the other cluster again where the switch fails', () => {
    inShop(here, 'ALTER TABLE orders ADD extra int');
    expect(look().target?.contents['shop']?.differs).toEqual(['> column public.orders extra integer']);
    const { status, said } = run(switching(shop()).apply([], undefined));
    expect([status === 0, said]).toEqual([false, expect.stringContaining('definitions of shop differ')]);
    expect([limit(there), limit(here)]).toEqual(['50', '0']);
    inShop(here, 'ALTER TABLE orders DROP extra');
  });

  it('goes on where the switch was cut off, with rows and sequences', { timeout: patience(60_000) }, async () => {
    inShop(there, 'INSERT INTO orders DEFAULT VALUES');
    inShop(there, "SELECT setval('orders_id_seq', 500)");
    const step = switching(shop());
    const child = spawn('/bin/sh', ['-c', text(step.apply([], undefined))], { detached: true, stdio: 'ignore' });
    await expect.poll(() => limit(there), { timeout: patience(30_000), interval: 20 }).toBe('0');
    process.kill(-(child.pid as number), 'SIGKILL');
    carriedOut(step);
    expect([limit(there), limit(here)]).toEqual(['0', '50']);
    expect(inShop(here, "SELECT count(*) || ' ' || nextval('orders_id_seq') FROM orders")).toBe('101 501');
    carriedOut(unsubscribed(migrating(), [{ datname: 'shop', slot: slot(shop()) }]));
    expect(there?.query('SELECT count(*) FROM pg_replication_slots')).toEqual(['0']);
  });

  it('is taken back', () => {
    carriedOut(putAside(migrating(), [{ datname: 'shop', aside: 'shop.aside-1' }]));
    carriedOut(openedThere(migrating(), [{ datname: 'shop', limit: 50 }]));
    expect([limit(there), here?.query("SELECT datconnlimit FROM pg_database WHERE datname = 'shop.aside-1'")]).toEqual(['50', ['0']]);
  });
});
