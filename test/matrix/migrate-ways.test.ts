import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, type Finished } from '../integration/support/pgprov.js';
import { EARLIER, labInventory, LATER, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const ROWS = 50_000;
const ACCESS = '/var/lib/pgprov/migrate';
const PASSWORD = 'superuser-of-the-lab';
const STREAMING = ['base', 'pgdg', 'postgresql', 'replication'];
const PATRONI = [...STREAMING, 'etcd', 'patroni'];

/** pg1 and pg2 are demo, with PostgreSQL 15 and without Patroni; pg3 and pg4 are new, with 17 and Patroni; pg5 is rocky, a server of its own. */
describe('pgprov migrate where the lead changes, without Patroni, and with Rocky 9', () => {
  let cluster: TestCluster;
  let directory: string;
  let [pg1, pg2, pg3, pg4, pg5]: LabHost[] = [] as LabHost[];
  const file = (name: string): string => (name === 'demo' ? cluster.file : join(directory, `${name}.yml`));
  const given = (...words: string[]): Promise<Finished> => pgprov(...words, '--output', 'plain');
  const words = (from: string, into: string, ...more: string[]): string[] => [
    'migrate',
    file(from),
    '--into',
    file(into),
    '--yes',
    ...more,
  ];
  const migrate = (from: string, into: string, ...more: string[]): Promise<Finished> => given(...words(from, into, ...more));
  const ok = ({ code, all }: Finished): string => {
    expect(code, all).toBe(0);
    return all;
  };
  const inDatabase = (host: LabHost, database: string, statement: string): Promise<string> =>
    must(host, `cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d ${database} -c "${statement}"`);
  const takesWrites = async (...hosts: (LabHost | undefined)[]): Promise<LabHost> => {
    for (const host of hosts as LabHost[]) {
      const { stdout } = await host.exec("runuser -u postgres -- psql -XAtqc 'SELECT pg_is_in_recovery()'");
      if (stdout.trim() === 'f') return host;
    }
    throw new Error('nobody takes writes');
  };
  const led = (): Promise<LabHost> => takesWrites(pg3, pg4);
  const other = (host: LabHost): LabHost => (host === pg3 ? pg4 : pg3) as LabHost;
  const healthy = (name: string): Promise<void> =>
    expect.poll(async () => (await pgprov('status', file(name))).code, { timeout: patience(120_000), interval: 3000 }).toBe(0);
  /** What is said of the copies, one on each line. */
  const told = async (name: string): Promise<string> =>
    (await pgprov('status', file(name))).stdout
      .replaceAll(/\n +/gu, ' ')
      .split('\n')
      .filter((line) => line.includes('the database'))
      .join('\n');
  const dropAside = async (host: LabHost): Promise<void> => {
    const kept = (await sql(host, "SELECT datname FROM pg_database WHERE datname LIKE '%.aside-%'")).split('\n').filter(Boolean);
    expect(kept).toEqual([expect.stringMatching(/^shop\.aside-/u), expect.stringMatching(/^stock\.aside-/u)]);
    for (const name of kept) await sql(host, `DROP DATABASE "${name}"`);
  };
  /** Nothing of a migration is left where it should not be. */
  const expectNothingLeft = async (
    into: string,
    from: readonly (LabHost | undefined)[],
    to: readonly (LabHost | undefined)[],
  ): Promise<void> => {
    for (const host of from as LabHost[])
      expect(await sql(host, "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'")).toBe('0');
    for (const host of to as LabHost[]) {
      expect(await sql(host, 'SELECT count(*) FROM pg_subscription')).toBe('0');
      expect(await must(host, `[ ! -e ${ACCESS} ] && echo gone`)).toBe('gone');
    }
    expect(await readdir(join(directory, '.pgprov', into))).not.toContain('operation.json');
  };

  beforeAll(async () => {
    cluster = await TestCluster.startMixed('mxmigways', ['debian13', 'debian13', 'debian13', 'debian13', 'rocky9'], 'packages');
    [pg1, pg2, pg3, pg4, pg5] = cluster.hosts;
    directory = await mkdtemp(join(tmpdir(), 'pgprov-migrate-'));
    const { hosts: addresses, ...base } = (await labInventory(cluster.hosts)) as { hosts: Record<string, string> };
    const of = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, addresses[name] as string]));
    const hba = (...names: string[]): string[] => names.map((name) => `host all postgres ${addresses[name]}/32 scram-sha-256`);
    const parameters = { wal_level: 'logical' };
    const without = { superuser_password: PASSWORD, parameters };
    await writeFile(
      file('demo'),
      stringify({
        ...{ ...base, roles: STREAMING, hosts: of('pg1', 'pg2') },
        postgresql: { ...without, version: EARLIER.postgresql, hba: hba('pg3', 'pg4', 'pg5') },
      }),
    );
    await writeFile(
      file('new'),
      stringify({ ...base, cluster: 'new', roles: PATRONI, hosts: of('pg3', 'pg4'), postgresql: { version: LATER, parameters } }),
    );
    await writeFile(
      file('rocky'),
      stringify({
        ...{ ...base, cluster: 'rocky', roles: ['base', 'firewall', 'pgdg', 'postgresql'], hosts: of('pg5') },
        firewall: { client_networks: [addresses['pg3'], addresses['pg4']] },
        postgresql: { ...without, version: LATER, hba: hba('pg3', 'pg4') },
      }),
    );
    const applied = await Promise.all(['demo', 'new', 'rocky'].map((name) => given('apply', file(name), '--yes')));
    applied.forEach(ok);
    for (const host of [pg1, pg5] as LabHost[]) await sql(host, `ALTER ROLE postgres PASSWORD '${PASSWORD}'`);
    await sql(pg1 as LabHost, 'CREATE ROLE clerk LOGIN');
    for (const name of ['shop', 'stock']) {
      await sql(pg1 as LabHost, `CREATE DATABASE ${name} OWNER clerk`);
      await inDatabase(
        pg1 as LabHost,
        name,
        `CREATE TABLE rows (id bigserial PRIMARY KEY, text text); INSERT INTO rows (text) SELECT md5(g::text) FROM generate_series(1, ${ROWS}) g`,
      );
    }
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  it('copies two databases of servers that stream without Patroni, also after kill -9 at each step', async () => {
    await killAtEach(
      [...words('demo', 'new'), '--output', 'plain'],
      [/migrate\/database-shop +changed/u, /migrate\/database-stock +note: making/u, /migrate\/subscribe-shop +changed/u],
    );
    expect(ok(await migrate('demo', 'new'))).toContain('copies of shop and stock with 2 tables, which follow demo');
    for (const name of ['shop', 'stock']) expect(await inDatabase(await led(), name, 'SELECT count(*) FROM rows')).toBe(String(ROWS));
    const lines = await told('new');
    expect(lines).toMatch(/the database shop is a copy of that of demo and follows it.*migrate INVENTORY --into \S+new\.yml --switch/u);
    expect(lines).toMatch(/the database stock is a copy of that of demo and follows it/u);
  });

  it('does not take the copy for whole after a failover of the new cluster, and begins anew on the new leader', async () => {
    const former = await led();
    await must(former, 'systemctl kill -s KILL patroni; systemctl stop patroni');
    await expect.poll(() => led(), { timeout: patience(120_000), interval: 2000 }).toBe(other(former));
    await must(former, 'systemctl start patroni');
    await healthy('new');
    for (const more of [[], ['--switch']]) {
      const refused = await migrate('demo', 'new', ...more);
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringContaining('new was taken over by another server while shop was copied'),
      ]);
    }
    ok(await migrate('demo', 'new', '--undo'));
    await expectNothingLeft('new', [pg1, pg2], [pg3, pg4]);
    await dropAside(await led());
    ok(await migrate('demo', 'new'));
  });

  it('switches after a switchover of the new cluster, also after kill -9 within, and is taken back there', async () => {
    const former = await led();
    ok(await given('switchover', file('new'), '--yes'));
    expect(await led()).toBe(other(former));
    for (const name of ['shop', 'stock']) await inDatabase(pg1 as LabHost, name, "INSERT INTO rows (text) VALUES ('since')");
    await killAtEach(
      [...words('demo', 'new', '--switch'), '--output', 'plain'],
      [/migrate\/timeline +changed/u, /migrate\/switch +note: closing/u, /migrate\/unsubscribe +changed/u],
    );
    expect(ok(await migrate('demo', 'new', '--switch'))).toContain('shop and stock are served by new');
    await expectNothingLeft('new', [pg1, pg2], [pg3, pg4]);
    expect(await told('demo')).toContain('the database stock lets no clients in');
    expect(await told('new')).toBe('');
    for (const name of ['shop', 'stock']) {
      expect(await inDatabase(await led(), name, 'SELECT count(*) FROM rows')).toBe(String(ROWS + 1));
      expect(await sql(await led(), `SELECT datconnlimit FROM pg_database WHERE datname = '${name}'`)).toBe('-1');
      expect(await sql(pg1 as LabHost, `SELECT datconnlimit FROM pg_database WHERE datname = '${name}'`)).toBe('0');
    }
    ok(await migrate('demo', 'new', '--undo'));
    for (const name of ['shop', 'stock'])
      expect(await sql(pg1 as LabHost, `SELECT datconnlimit FROM pg_database WHERE datname = '${name}'`)).toBe('-1');
    await dropAside(await led());
  });

  it('says that a switchover of the other cluster has lost the slots, and begins anew after it is taken back, into Rocky 9', async () => {
    ok(await migrate('demo', 'rocky'));
    ok(await given('switchover', file('demo'), '--yes'));
    await healthy('demo');
    for (const more of [[], ['--switch']]) {
      const refused = await migrate('demo', 'rocky', ...more);
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringContaining('the slot of shop is gone, as after a failover or switchover of demo'),
      ]);
    }
    expect(await told('rocky')).toMatch(/the database shop is a copy of that of demo and receives nothing now/u);
    ok(await migrate('demo', 'rocky', '--undo'));
    await expectNothingLeft('rocky', [pg1, pg2], [pg5]);
    await dropAside(pg5 as LabHost);
    ok(await migrate('demo', 'rocky', '--databases', 'shop'));
    expect(ok(await migrate('demo', 'rocky', '--databases', 'shop,stock'))).toContain('copies of shop and stock');
    expect(ok(await migrate('demo', 'rocky', '--switch'))).toContain('shop and stock are served by rocky');
    await expectNothingLeft('rocky', [pg1, pg2], [pg5]);
    for (const name of ['shop', 'stock'])
      expect(await inDatabase(pg5 as LabHost, name, "INSERT INTO rows (text) VALUES ('here') RETURNING id")).toBe(String(ROWS + 2));
  });

  it('copies from Rocky 9, where they were brought to before', async () => {
    expect(ok(await migrate('rocky', 'new'))).toContain('copies of shop and stock');
    ok(await migrate('rocky', 'new', '--switch'));
    for (const name of ['shop', 'stock']) expect(await inDatabase(await led(), name, 'SELECT count(*) FROM rows')).toBe(String(ROWS + 2));
    await expectNothingLeft('new', [pg5], [pg3, pg4]);
    for (const name of ['new', 'rocky']) ok(await given('apply', file(name), '--yes'));
  });
});
