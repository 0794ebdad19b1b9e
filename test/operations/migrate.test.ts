import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import migrate from '../../src/operations/migrate.js';
import { asideName, type MigrateOptions } from '../../src/operations/shared/migrate/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import type { SourceCluster } from '../../src/plan/source-cluster.js';
import {
  MIGRATION,
  readMigration,
  type MigratedDatabase,
  type MigrationSeen,
  type MigrationSourceSeen,
  type MigrationTarget,
  type SourceContents,
} from '../../src/resources/migrate/seen.js';
import { subscriptionString } from '../../src/resources/migrate/servers.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runSeen } from './run-seen.js';

const ROLES = 'roles: [base, pgdg, postgresql, replication, etcd, patroni]';
const IGNORED = 'patroni: {dynamic: {ignore_slots: [{type: logical, plugin: pgoutput}]}}';
const DEMO = `cluster: demo
hosts: {pg1: {address: 192.0.2.1}, pg2: {address: 192.0.2.2}}
${ROLES}
${IGNORED}
postgresql: {version: 15}
`;
const NEW = `cluster: new
hosts: {pg4: {address: 192.0.2.4}, pg5: {address: 192.0.2.5}}
${ROLES}
postgresql: {version: 17}
`;
const demo = await inventoryOf(DEMO);
const target = await inventoryOf(NEW);
const GIB = 1_073_741_824;

const sourceCluster = (inventory = demo, generated: readonly string[] = []): SourceCluster => ({
  inventory,
  credentials: { ...contextOf(inventory, 'pg1').credentials, generated, password: () => new Secret('of-the-source') },
  client: undefined,
});

const database = (datname: string, more: Partial<MigratedDatabase> = {}): MigratedDatabase => ({
  ...{ oid: '16400', datname, datconnlimit: -1, datcollate: 'C.UTF-8', datctype: 'C.UTF-8', datlocprovider: 'c' },
  ...{ encodingName: 'UTF8', bytes: GIB, mark: null, ...more },
});

const contents = (name: string, more: Partial<SourceContents> = {}): SourceContents => ({
  ...{ name, unidentified: [], firing: [], unlogged: [], foreign: 0, relations: name === 'postgres' ? 0 : 3, largeObjects: 0 },
  ...{ extensions: ['plpgsql'], subscriptions: [], publications: [], ...more },
});

const ID = '20261130t1300';
const NAME = `pgprov_migrate_${ID}`;
const CHOSEN: MigrateOptions = { id: ID, names: ['shop'] };
const SLOT = { name: `${NAME}_16400`, active: true, lost: false, lag: 100 };
const COPIED = { name: 'shop', tables: 3, copying: 0, unanalyzed: 0, unfollowed: [], unfilled: 0, differs: [] };
const SUBSCRIPTION = { name: NAME, database: 'shop', enabled: true, slot: SLOT.name, synchronous: false };

/** The other cluster is on timeline 1 and the new one on 5, as when the copy began. */
const NOTED = 'copying demo 1 5';
/** Timeline 3 ended in a failover, 4 in the copy's time, 5 is written now. */
const ENDED = [
  { timeline: 3, inOrder: false },
  { timeline: 4, inOrder: true },
];

interface Made {
  there?: Partial<MigrationSourceSeen> | undefined;
  shop?: Partial<SourceContents>;
  here?: Partial<MigrationTarget>;
  why?: string;
  access?: boolean;
  done?: string[];
}

/** The new cluster, in which pg4 leads, beside demo with the databases postgres and shop. */
function seen(made: Made, options: MigrateOptions = CHOSEN): OperationRun<MigrateOptions> {
  const { there = {}, here = {}, access = false } = made;
  const source: MigrationSourceSeen = {
    ...{ version: 15, superuser: true, owner: 'postgres', identifier: '1', timeline: 1, walLevel: 'logical', slotsFree: 8, sendersFree: 8 },
    ...{ databases: [database('postgres', { oid: '5' }), database('shop')], slots: [], roles: { clerk: 'a' }, needed: [], sessions: [] },
    ...{ prepared: [], contents: { postgres: contents('postgres'), shop: contents('shop', made.shop) }, ...there },
  };
  const own: MigrationTarget = {
    ...{
      version: 17,
      owner: 'postgres',
      identifier: '2',
      timeline: 5,
      synchronous: false,
      ended: [],
      databases: [database('postgres', { oid: '5' })],
      roles: { postgres: 'p' },
    },
    ...{ extensions: ['plpgsql'], logicalWorkers: 4, workers: 8, origins: 10, subscriptions: [], locales: ['C', 'C.utf8'] },
    ...{ free: 10 * GIB, contents: {}, ...here },
  };
  const state: MigrationSeen = { access, target: own, source: made.why === undefined ? source : undefined, why: made.why ?? '' };
  const nothing: MigrationSeen = { access, target: undefined, source: undefined, why: '' };
  const run = runSeen(target, { leader: 'pg4', more: { pg4: { [MIGRATION.id]: state }, pg5: { [MIGRATION.id]: nothing } } }, options, {
    done: made.done,
  });
  return { ...run, source: sourceCluster() };
}

const marked = (stage: string): MigratedDatabase => database('shop', { oid: '20000', datconnlimit: 0, mark: `${ID} 1 ${stage}` });
const COPYING: Made = {
  access: true,
  there: { slots: [SLOT], roles: {}, contents: { postgres: contents('postgres'), shop: contents('shop', { publications: [NAME] }) } },
  here: { databases: [marked(NOTED)], subscriptions: [SUBSCRIPTION], contents: { shop: COPIED } },
};
/** The copy began on timeline 4. */
const HANDED: Made = { ...COPYING, here: { ...COPYING.here, databases: [marked('copying demo 1 4')], ended: ENDED } };
const MOVED: Made = {
  ...COPYING,
  there: { ...COPYING.there, databases: [database('shop', { datconnlimit: 0, mark: `${ID} closed 50` })] },
  here: { ...COPYING.here, databases: [marked('moved 1.3')] },
};
const SETTLED: Made = {
  there: { roles: {}, databases: [database('shop', { datconnlimit: 0, mark: `${ID} closed 50` })] },
  here: { databases: [marked('moved 1.3')], contents: { shop: { ...COPIED, tables: 0 } } },
};

const ids = (run: OperationRun<MigrateOptions>): string[] =>
  migrate.remaining(run).steps.map(({ id, ...step }) => ('on' in step ? `${id} ${step.on.join()}` : id));
const objections = (run: OperationRun<MigrateOptions>): string[] => (migrate.guards?.(run) ?? []).map(({ message }) => message);

describe('two inventories', () => {
  const problem = async (
    into: string,
    from: string,
    options: MigrateOptions = {},
    generated: string[] = [],
  ): Promise<string | undefined> => {
    const inventory = await inventoryOf(into);
    const source = sourceCluster(await inventoryOf(from), generated);
    return migrate.problems?.({ inventory, source, options, catalog: [], kept: seen({}).kept, chosenHosts: undefined })[0]?.message;
  };

  it('fit', async () => expect(await problem(NEW, DEMO)).toBeUndefined());

  it.each<{ title: string; into?: string; from?: string; generated?: string[]; options?: MigrateOptions; says: string }>([
    { title: 'one cluster', into: NEW.replace('new', 'demo'), says: 'both inventories are of a cluster demo' },
    { title: 'one host', into: NEW.replace('192.0.2.5', '192.0.2.2'), says: 'pg5 of new has the address of a host of demo' },
    { title: 'an earlier version', into: NEW.replace('17', '14'), says: 'demo has PostgreSQL 15, and new has 14' },
    {
      title: 'slots that Patroni drops',
      from: DEMO.replace(IGNORED, ''),
      says: 'Patroni of demo would drop the slots that the copies come through, as soon as one is not used for a moment',
    },
    {
      title: 'slots of others that it keeps',
      from: DEMO.replace('{type: logical, plugin: pgoutput}', '{name: other}'),
      says: 'Patroni of demo would drop the slots that the copies come through, as soon as one is not used for a moment',
    },
    {
      title: 'no password',
      generated: ['postgresql.superuser_password'],
      says: 'this machine does not know the superuser’s password of demo',
    },
    { title: 'both', options: { switch: true, undo: true }, says: '--switch and --undo are given, and only one of them can be done' },
  ])('$title: $says', async ({ into = NEW, from = DEMO, generated, options, says }) =>
    expect(await problem(into, from, options, generated)).toBe(says),
  );
});

describe('what is chosen', () => {
  it('is every database but postgres, or those that are given', () => {
    expect(migrate.choose?.(seen({}, {}))).toMatchObject({ names: ['shop'], id: expect.stringMatching(/^\d{8}t\d{6}z$/u) });
    expect(migrate.choose?.(seen({}, { databases: 'a, b' }))).toMatchObject({ names: ['a', 'b'] });
  });

  it('is what was begun, by what is noted of the databases here', () =>
    expect(migrate.choose?.(seen(COPYING, {}))).toMatchObject({ id: ID, names: ['shop'], moved: false }));

  it('is also what is given besides, before the switch', () => {
    expect(migrate.choose?.(seen(COPYING, { databases: 'shop,stock' }))).toMatchObject({ names: ['shop', 'stock'] });
    expect(migrate.choose?.(seen(COPYING, { databases: 'shop,stock', switch: true }))).toMatchObject({ names: ['shop'] });
    expect(migrate.choose?.(seen(SETTLED, { databases: 'stock' }))).toMatchObject({ names: ['shop'] });
  });

  it('is nothing of another cluster’s', () => {
    const of = { ...COPYING, here: { ...COPYING.here, databases: [database('shop', { mark: 'x 9 copying' })] } };
    expect(migrate.choose?.(seen(of, { switch: true }))).toMatchObject({ names: [] });
  });
});

describe('the steps', () => {
  it.each<{ title: string; made: Made; options?: MigrateOptions; steps: string[] }>([
    {
      title: 'at first',
      made: {},
      steps: ['access pg4,pg5', 'roles pg4', 'database-shop pg4', 'subscribe-shop pg4', 'copied pg4', 'analyze pg4'],
    },
    { title: 'of copies that follow', made: COPYING, steps: [] },
    {
      title: 'of a copy that is under way',
      made: { ...COPYING, here: { ...COPYING.here, contents: { shop: { ...COPIED, copying: 1, unanalyzed: 1 } } } },
      steps: ['copied pg4', 'analyze pg4'],
    },
    {
      title: 'of a copy that is far behind',
      made: { ...COPYING, there: { ...COPYING.there, slots: [{ ...SLOT, lag: GIB }] } },
      steps: ['copied pg4'],
    },
    { title: 'of the switch', made: COPYING, options: { switch: true }, steps: ['switch pg4', 'unsubscribe pg4', 'forget pg4,pg5'] },
    { title: 'of a copy that another server has taken over in order', made: HANDED, steps: ['timeline pg4'] },
    {
      title: 'of the switch after that',
      made: HANDED,
      options: { switch: true },
      steps: ['timeline pg4', 'switch pg4', 'unsubscribe pg4', 'forget pg4,pg5'],
    },
    {
      title: 'of a copy that an earlier pgprov has begun',
      made: { ...COPYING, here: { ...HANDED.here, databases: [marked('copying')] } },
      steps: [],
    },
    { title: 'after a switch that was cut off', made: MOVED, steps: ['unsubscribe pg4', 'forget pg4,pg5'] },
    {
      title: 'after a switch with materialized views',
      made: { ...SETTLED, here: { ...SETTLED.here, contents: { shop: { ...COPIED, unfilled: 1 } } } },
      steps: ['views pg4'],
    },
    { title: 'when all is done', made: SETTLED, steps: [] },
    {
      title: 'back before the switch',
      made: COPYING,
      options: { undo: true, aside: '.aside-T' },
      steps: ['unsubscribe pg4', 'aside pg4', 'forget pg4,pg5'],
    },
    {
      title: 'back after the switch: first closed here, then opened there',
      made: SETTLED,
      options: { undo: true, aside: '.aside-T' },
      steps: ['access pg4,pg5', 'aside pg4', 'open pg4'],
    },
    {
      title: 'back from a database that was being made',
      made: { access: true, here: { databases: [database('pgprov_draft_16400')] } },
      options: { undo: true, aside: '.aside-T' },
      steps: ['drafts pg4', 'forget pg4,pg5'],
    },
    {
      title: 'of a switch that was cut off when the other cluster was closed',
      made: { ...COPYING, there: MOVED.there },
      options: { switch: true },
      steps: ['switch pg4', 'unsubscribe pg4', 'forget pg4,pg5'],
    },
    {
      title: 'back from a switch that was cut off when the other cluster was closed',
      made: { ...COPYING, there: { ...COPYING.there, databases: MOVED.there?.databases ?? [] } },
      options: { undo: true, aside: '.aside-T' },
      steps: ['unsubscribe pg4', 'aside pg4', 'open pg4', 'forget pg4,pg5'],
    },
    { title: 'back from nothing', made: {}, options: { undo: true, names: [] }, steps: [] },
  ])('$title', ({ made, options, steps }) => expect(ids(seen(made, { ...CHOSEN, ...options }))).toEqual(steps));

  it('opens there with the limit from before, and only what this migration has closed', () => {
    const other = { ...SETTLED, there: { ...SETTLED.there, databases: [database('shop', { mark: 'other closed 50' })] } };
    expect(ids(seen(other, { ...CHOSEN, undo: true, aside: '.a' }))).not.toContain('open pg4');
  });
});

describe('the guards', () => {
  it('let it begin, go on, switch and be taken back', () => {
    for (const made of [{}, COPYING, HANDED]) expect(objections(seen(made))).toEqual([]);
    expect(objections(seen(COPYING, { ...CHOSEN, switch: true }))).toEqual([]);
    for (const made of [{}, COPYING, MOVED, SETTLED]) expect(objections(seen(made, { ...CHOSEN, undo: true }))).toEqual([]);
  });

  it('tell all that is wrong at once', () => {
    const made: Made = {
      there: { walLevel: 'replica', slotsFree: 0, needed: ['admin'] },
      shop: { unidentified: ['log'], largeObjects: 2, extensions: ['plpgsql', 'postgis'] },
      here: { databases: [database('shop')], free: 1 },
    };
    expect(objections(seen(made))).toEqual([
      'new has a database shop already, which this migration did not bring',
      expect.stringMatching(/^admin owns something in databases of demo/u),
      'wal_level of demo is replica, and changes of rows are told only with logical',
      'demo has 0 free replication slots, and 3 are needed',
      expect.stringMatching(/are to come to new/u),
      'log of shop has no replica identity: changes of rows there would be refused once the tables are published',
      'shop has 2 large objects, which logical replication does not bring',
      'shop has the extension postgis, which new does not have',
    ]);
  });

  it.each<[title: string, made: Made, options: MigrateOptions, says: RegExp]>([
    [
      'relations in postgres',
      { there: { contents: { postgres: contents('postgres', { relations: 2 }), shop: contents('shop') } } },
      {},
      /2 relations of users/u,
    ],
    ['another superuser', { there: { owner: 'admin' } }, {}, /was made with is admin/u],
    ['few workers', { here: { logicalWorkers: 2 } }, {}, /max_logical_replication_workers 2/u],
    ['an unknown locale', { there: { databases: [database('shop', { datcollate: 'xx_XX.UTF-8' })] } }, {}, /the locale xx_XX\.UTF-8/u],
    ['a copy of itself', { there: { identifier: '2' } }, {}, /both are one cluster/u],
    [
      'a new cluster whose leader was lost',
      { ...HANDED, here: { ...HANDED.here, databases: [marked('copying demo 1 3')] } },
      {},
      /^new was taken over by another server while shop was copied \(timeline 5 after 3\), and nothing shows/u,
    ],
    [
      'a new cluster whose WAL does not reach back',
      { ...HANDED, here: { ...HANDED.here, databases: [marked('copying demo 1 2')] } },
      { switch: true },
      /timeline 5 after 2/u,
    ],
    [
      'another leader there, with a slot that was left on it',
      { ...COPYING, there: { ...COPYING.there, timeline: 3 } },
      {},
      /another server of demo has led since the copy of shop began \(timeline 3 after 1\)/u,
    ],
    ['a slot that is gone', { ...COPYING, there: { ...COPYING.there, slots: [] } }, {}, /the slot of shop is gone/u],
    [
      'definitions that differ',
      { ...COPYING, here: { ...COPYING.here, contents: { shop: { ...COPIED, differs: ['< column orders note text'] } } } },
      { switch: true },
      /definitions of shop differ[^]*< column orders note text/u,
    ],
    [
      'a superuser that is connected',
      { ...COPYING, there: { ...COPYING.there, sessions: [{ database: 'shop', user: 'postgres', application: 'psql', pid: 7 }] } },
      { switch: true },
      /postgres to shop \(psql, process 7\)/u,
    ],
    [
      'a prepared transaction',
      { ...COPYING, there: { ...COPYING.there, prepared: [{ database: 'shop', name: 'p' }] } },
      { switch: true },
      /p in shop/u,
    ],
    ['a switch of nothing', {}, { switch: true, names: [] }, /no databases of demo were brought to new/u],
  ])('refuse %s', (_, made, options, says) =>
    expect(objections(seen(made, { ...CHOSEN, ...options }))).toEqual([expect.stringMatching(says)]),
  );

  it('take a failover to a synchronous standby for no loss, as long as commits wait for one', () => {
    const made = (synchronous: boolean): Made => ({
      ...HANDED,
      here: {
        ...HANDED.here,
        databases: [marked('copying demo 1 3')],
        synchronous,
        subscriptions: [{ ...SUBSCRIPTION, synchronous: true }],
      },
    });
    expect(objections(seen(made(true)))).toEqual([]);
    expect(objections(seen(made(false)))).toHaveLength(1);
  });

  it('let a database be brought on that was brought there by a migration before, and none that one has closed', () => {
    const brought = (mark: string): Made => ({ there: { databases: [database('shop', { mark })] } });
    expect(objections(seen(brought('other 9 moved 1.3 older')))).toEqual([]);
    expect(objections(seen(brought('other closed -1')))).toEqual(['shop of demo is closed by another migration']);
  });

  it.each([
    [
      'FATAL: no pg_hba.conf entry for host "192.0.2.4", user "postgres"',
      /^pg_hba.conf of demo/u,
      /`host all postgres 192\.0\.2\.4\/32 scram-sha-256`/u,
    ],
    ['FATAL: password authentication failed for user "postgres"', /does not take the superuser’s password/u, /bring \.pgprov\/demo/u],
    ['connection to server at "192.0.2.1", port 5432 failed: timeout expired', /a firewall that filters/u, /firewall\.client_networks/u],
    [
      'connection to server at "192.0.2.1", port 5432 failed: Connection refused',
      /no server of demo takes connections/u,
      /listen_addresses/u,
    ],
  ])('tell apart why the other cluster is not reached: %s', (why, message, hint) =>
    expect(migrate.guards?.(seen({ why }))).toMatchObject([{ message: expect.stringMatching(message), hint: expect.stringMatching(hint) }]),
  );

  it('do not need the other cluster when all is done', () =>
    expect(objections(seen({ ...SETTLED, why: 'Connection refused' }))).toEqual([]));
});

describe('what is told', () => {
  it('calls no copy proved whose slot is gone', () => {
    const gone = { ...COPYING, there: { ...COPYING.there, slots: [] } };
    expect(migrate.checks?.(seen(COPYING))).toMatchObject([{ ok: true }]);
    expect(migrate.checks?.(seen(gone))).toMatchObject([{ ok: false }]);
  });

  it('says what comes next', () => {
    expect(migrate.finished?.(seen(COPYING))).toMatch(/copies of shop with 3 tables, which follow demo[^]*--switch[^]*--undo/u);
    expect(migrate.finished?.(seen(SETTLED))).toMatch(/nobody could write for 1\.3 s at the switch[^]*pgprov dsn[^]*closed/u);
  });

  it('has the password in no connection string', () => {
    const text = subscriptionString(
      {
        servers: [
          { address: '192.0.2.1', port: 5432 },
          { address: '192.0.2.2', port: 5433 },
        ],
        user: 'postgres',
        password: new Secret('of-the-source'),
        authority: undefined,
        own: [],
      },
      "it's",
    );
    expect(text).toBe(
      String.raw`host='192.0.2.1,192.0.2.2' port='5432,5433' user='postgres' dbname='it\'s' passfile='/var/lib/pgprov/migrate/passfile' target_session_attrs='read-write' connect_timeout='10'`,
    );
  });

  it('keeps a database under a name that PostgreSQL does not cut', () => {
    expect(asideName('shop', '.aside-1')).toBe('shop.aside-1');
    expect(Buffer.byteLength(asideName('ü'.repeat(31), '.aside-20261130T130000Z'))).toBeLessThanOrEqual(63);
  });
});

describe('what a host answers', () => {
  it('is read line by line, differences with the database before them', () =>
    expect(
      readMigration([
        'access',
        'target={"version":17}',
        'locale=C',
        'free=5',
        'ended=2 in order',
        'ended=3 unknown',
        'here={"name":"a","tables":1}',
        'differs=< table x',
        'why=FATAL: no ',
      ]),
    ).toEqual({
      access: true,
      target: {
        version: 17,
        locales: ['C'],
        free: 5,
        ended: [
          { timeline: 2, inOrder: true },
          { timeline: 3, inOrder: false },
        ],
        contents: { a: { name: 'a', tables: 1, differs: ['< table x'] } },
      },
      source: undefined,
      why: 'FATAL: no',
    }));

  it('may be nothing', () => expect(readMigration([])).toEqual({ access: false, target: undefined, source: undefined, why: '' }));
});
