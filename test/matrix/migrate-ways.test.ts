import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, type Finished } from '../integration/support/pgprov.js';
import { EARLIER, labInventory, LATER, type LabHost, type System } from '../lab/index.js';
import { patience } from '../support/patience.js';

const ROWS = 50_000;
const NAMES = ['shop', 'stock'];
const PASSWORD = 'superuser-of-the-lab';
const SINGLE = ['base', 'pgdg', 'postgresql'];
const STREAMING = [...SINGLE, 'replication'];
const PATRONI = [...STREAMING, 'etcd', 'patroni'];

const ok = ({ code, all }: Finished): string => {
  expect(code, all).toBe(0);
  return all;
};

function inDatabase(host: LabHost, database: string, statement: string): Promise<string> {
  return must(host, `cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d ${database} -c "${statement}"`);
}

/** What an inventory says of a cluster, beside what every lab needs. */
interface Made {
  roles: readonly string[];
  hosts: readonly string[];
  version: number;
  /** Hosts that its superuser may log in from. */
  letsIn?: readonly string[];
  more?: object;
}

/** Hosts of one network that are several clusters, each of which may be migrated into another one. */
class Clusters {
  readonly #cluster: TestCluster;
  readonly #directory: string;

  private constructor(cluster: TestCluster, directory: string) {
    this.#cluster = cluster;
    this.#directory = directory;
  }

  static async start(name: string, systems: readonly System[], made: Readonly<Record<string, Made>>): Promise<Clusters> {
    const cluster = await TestCluster.startMixed(name, systems, 'packages');
    const clusters = new Clusters(cluster, await mkdtemp(join(tmpdir(), 'pgprov-migrate-')));
    const { hosts: addresses, ...base } = (await labInventory(cluster.hosts)) as { hosts: Record<string, string> };
    for (const [of, { roles, hosts, version, letsIn = [], more = {} }] of Object.entries(made)) {
      const hba = letsIn.map((host) => `host all postgres ${addresses[host]}/32 scram-sha-256`);
      const given = roles.includes('patroni') ? {} : { superuser_password: PASSWORD };
      await writeFile(
        clusters.file(of),
        stringify({
          ...{ ...base, cluster: of, roles, hosts: Object.fromEntries(hosts.map((host) => [host, addresses[host]])) },
          postgresql: { ...given, version, hba, parameters: { wal_level: 'logical' } },
          ...more,
        }),
      );
    }
    for (const each of await Promise.all(Object.keys(made).map((of) => clusters.given('apply', of)))) ok(each);
    return clusters;
  }

  host(name: string): LabHost {
    return this.#cluster.host(name);
  }

  file(of: string): string {
    return of === 'demo' ? this.#cluster.file : join(this.#directory, `${of}.yml`);
  }

  /** A command on a cluster of that name. */
  given(command: string, of: string, ...more: string[]): Promise<Finished> {
    return pgprov(command, this.file(of), '--yes', '--output', 'plain', ...more);
  }

  words(from: string, into: string, ...more: string[]): string[] {
    return ['migrate', this.file(from), '--into', this.file(into), '--yes', '--output', 'plain', ...more];
  }

  migrate(from: string, into: string, ...more: string[]): Promise<Finished> {
    return pgprov(...this.words(from, into, ...more));
  }

  /** Makes two databases, and gives the superuser the password that the inventory says. */
  async fill(host: LabHost): Promise<void> {
    await sql(host, `ALTER ROLE postgres PASSWORD '${PASSWORD}'`);
    await sql(host, 'CREATE ROLE clerk LOGIN');
    for (const name of NAMES) {
      await sql(host, `CREATE DATABASE ${name} OWNER clerk`);
      const rows = `INSERT INTO rows (text) SELECT md5(g::text) FROM generate_series(1, ${ROWS}) g`;
      await inDatabase(host, name, `CREATE TABLE rows (id bigserial PRIMARY KEY, text text); ${rows}`);
    }
  }

  healthy(of: string): Promise<void> {
    return expect.poll(async () => (await pgprov('status', this.file(of))).code, { timeout: patience(120_000), interval: 3000 }).toBe(0);
  }

  /** What `status` says of the databases of migrations, one on each line. */
  async told(of: string): Promise<string> {
    const { stdout } = await pgprov('status', this.file(of));
    const lines = stdout.replaceAll(/\n +/gu, ' ').split('\n');
    return lines.filter((line) => line.includes('the database')).join('\n');
  }

  /** Both databases are kept under other names, and are dropped. */
  async dropAside(host: LabHost): Promise<void> {
    const kept = (await sql(host, "SELECT datname FROM pg_database WHERE datname LIKE '%.aside-%' ORDER BY 1")).split('\n');
    expect(kept).toEqual(NAMES.map((name) => expect.stringMatching(new RegExp(String.raw`^${name}\.aside-`, 'u'))));
    for (const name of kept) await sql(host, `DROP DATABASE "${name}"`);
  }

  /** Nothing of a migration is left where it should not be. */
  async expectNothingLeft(into: string, from: readonly string[], to: readonly string[]): Promise<void> {
    for (const name of from)
      expect(await sql(this.host(name), "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'")).toBe('0');
    for (const name of to) {
      expect(await sql(this.host(name), 'SELECT count(*) FROM pg_subscription')).toBe('0');
      expect(await must(this.host(name), '[ ! -e /var/lib/pgprov/migrate ] && echo gone')).toBe('gone');
    }
    expect(await readdir(join(this.#directory, '.pgprov', into))).not.toContain('operation.json');
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await this.#cluster.remove();
  }
}

const counts = (host: LabHost): Promise<string[]> => Promise.all(NAMES.map((name) => inDatabase(host, name, 'SELECT count(*) FROM rows')));
const limits = (host: LabHost): Promise<string> =>
  sql(host, `SELECT string_agg(datconnlimit::text, ' ') FROM pg_database WHERE datname IN ('shop', 'stock')`);

/** pg1 and pg2 are demo, without Patroni; pg3 and pg4 are new, with Patroni. */
describe('pgprov migrate where the lead changes, from servers without Patroni', () => {
  let clusters: Clusters;
  let [pg1, pg3, pg4]: LabHost[] = [] as LabHost[];
  const led = async (): Promise<LabHost> => {
    for (const host of [pg3, pg4] as LabHost[]) {
      const { stdout } = await host.exec("runuser -u postgres -- psql -XAtqc 'SELECT pg_is_in_recovery()'");
      if (stdout.trim() === 'f') return host;
    }
    throw new Error('nobody takes writes');
  };
  const other = (host: LabHost): LabHost => (host === pg3 ? pg4 : pg3) as LabHost;

  beforeAll(async () => {
    clusters = await Clusters.start('mxmigways', ['debian13', 'debian13', 'debian13', 'debian13'], {
      demo: { roles: STREAMING, hosts: ['pg1', 'pg2'], version: EARLIER.postgresql, letsIn: ['pg3', 'pg4'] },
      new: { roles: PATRONI, hosts: ['pg3', 'pg4'], version: LATER },
    });
    [pg1, pg3, pg4] = ['pg1', 'pg3', 'pg4'].map((name) => clusters.host(name));
    await clusters.fill(pg1 as LabHost);
  });

  afterAll(async () => {
    await clusters?.remove();
  });

  it('copies two databases, also after kill -9 between them, and status tells how to go on', async () => {
    await killAtEach(clusters.words('demo', 'new'), [/migrate\/database-stock +note: making/u, /migrate\/subscribe-shop +changed/u]);
    expect(ok(await clusters.migrate('demo', 'new'))).toContain('copies of shop and stock with 2 tables, which follow demo');
    expect(await counts(await led())).toEqual([String(ROWS), String(ROWS)]);
    const lines = await clusters.told('new');
    expect(lines).toMatch(/the database shop is a copy of that of demo and follows it.*migrate OLD.yml --into \S+new\.yml --switch/u);
    expect(lines).toMatch(/the database stock is a copy of that of demo and follows it/u);
  });

  it('does not take the copy for whole after a failover of the new cluster, and begins anew on the new leader', async () => {
    const former = await led();
    await must(former, 'systemctl kill -s KILL patroni; systemctl stop patroni');
    await expect.poll(() => led().catch(() => undefined), { timeout: patience(120_000), interval: 2000 }).toBe(other(former));
    await must(former, 'systemctl start patroni');
    await clusters.healthy('new');
    const refused = await clusters.migrate('demo', 'new', '--switch');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('new was taken over by another server while shop was copied')]);
    ok(await clusters.migrate('demo', 'new', '--undo'));
    await clusters.expectNothingLeft('new', ['pg1', 'pg2'], ['pg3', 'pg4']);
    await clusters.dropAside(await led());
    ok(await clusters.migrate('demo', 'new'));
  });

  it('switches after a switchover of the new cluster, also after kill -9 within, and is taken back there', async () => {
    const former = await led();
    ok(await clusters.given('switchover', 'new'));
    expect(await led()).toBe(other(former));
    for (const name of NAMES) await inDatabase(pg1 as LabHost, name, "INSERT INTO rows (text) VALUES ('since')");
    await killAtEach(clusters.words('demo', 'new', '--switch'), [/migrate\/timeline +changed/u, /migrate\/switch +note: closing/u]);
    expect(ok(await clusters.migrate('demo', 'new', '--switch'))).toContain('shop and stock are served by new');
    await clusters.expectNothingLeft('new', ['pg1', 'pg2'], ['pg3', 'pg4']);
    expect(await clusters.told('demo')).toContain('the database stock lets no clients in');
    expect(await clusters.told('new')).toBe('');
    expect(await counts(await led())).toEqual([String(ROWS + 1), String(ROWS + 1)]);
    expect([await limits(await led()), await limits(pg1 as LabHost)]).toEqual(['-1 -1', '0 0']);
    ok(await clusters.migrate('demo', 'new', '--undo'));
    expect(await limits(pg1 as LabHost)).toBe('-1 -1');
    await clusters.dropAside(await led());
  });

  it('says that a switchover of the other cluster has lost the slots, and begins anew after it is taken back', async () => {
    ok(await clusters.migrate('demo', 'new'));
    ok(await clusters.given('switchover', 'demo'));
    await clusters.healthy('demo');
    const refused = await clusters.migrate('demo', 'new', '--switch');
    expect([refused.code, refused.all]).toEqual([
      4,
      expect.stringContaining('the slot of shop is gone, as after a failover or switchover'),
    ]);
    expect(await clusters.told('new')).toMatch(/the database shop is a copy of that of demo and receives nothing now/u);
    ok(await clusters.migrate('demo', 'new', '--undo'));
    await clusters.expectNothingLeft('new', ['pg1', 'pg2'], ['pg3', 'pg4']);
    await clusters.dropAside(await led());
    ok(await clusters.migrate('demo', 'new', '--databases', 'shop'));
    expect(ok(await clusters.migrate('demo', 'new', '--databases', 'shop,stock'))).toContain('copies of shop and stock');
    ok(await clusters.migrate('demo', 'new', '--undo'));
  });
});

/** pg1 is demo and pg3 is later, on Debian 13; pg2 is rocky; each is a server of its own. */
describe('pgprov migrate to Rocky 9 and from there, between servers of their own', () => {
  let clusters: Clusters;

  beforeAll(async () => {
    clusters = await Clusters.start('mxmigel', ['debian13', 'rocky9', 'debian13'], {
      demo: { roles: SINGLE, hosts: ['pg1'], version: EARLIER.postgresql, letsIn: ['pg2'] },
      rocky: {
        ...{ roles: ['base', 'firewall', 'pgdg', 'postgresql'], hosts: ['pg2'], version: LATER, letsIn: ['pg3'] },
        more: { firewall: { client_networks: ['0.0.0.0/0'] } },
      },
      later: { roles: SINGLE, hosts: ['pg3'], version: LATER },
    });
    await clusters.fill(clusters.host('pg1'));
    await sql(clusters.host('pg2'), `ALTER ROLE postgres PASSWORD '${PASSWORD}'`);
  });

  afterAll(async () => {
    await clusters?.remove();
  });

  it('brings databases there, from 15 to 17', async () => {
    expect(ok(await clusters.migrate('demo', 'rocky'))).toContain('copies of shop and stock');
    expect(ok(await clusters.migrate('demo', 'rocky', '--switch'))).toContain('shop and stock are served by rocky');
    await clusters.expectNothingLeft('rocky', ['pg1'], ['pg2']);
    for (const name of NAMES)
      expect(await inDatabase(clusters.host('pg2'), name, "INSERT INTO rows (text) VALUES ('here') RETURNING id")).toBe(String(ROWS + 1));
  });

  it('brings them on from there', async () => {
    ok(await clusters.migrate('rocky', 'later'));
    expect(ok(await clusters.migrate('rocky', 'later', '--switch'))).toContain('shop and stock are served by later');
    await clusters.expectNothingLeft('later', ['pg2'], ['pg3']);
    expect(await counts(clusters.host('pg3'))).toEqual([String(ROWS + 1), String(ROWS + 1)]);
    ok(await clusters.given('apply', 'rocky'));
  });
});
