import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { guardChanges } from '../../roles/shared/changes.js';
import { FIXED_VARIABLES } from '../../roles/shared/fixed-variables.js';
import { inventorySchemas, type Inventory, type VariableSchema } from '../../src/model/index.js';
import { View } from '../../src/plan/view.js';
import { DCS } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { ETCD_RUNNING, type EtcdRunning } from '../../src/resources/etcd/running.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import { RUNNING, type Database, type RunningState } from '../../src/resources/running.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const DEBIAN = { os: 'debian', version: '13', memory: 8 * 1024 ** 3 };
const ROLES = ['etcd', 'postgresql', 'patroni'];
const NAMES = ['pg1', 'pg2', 'pg3'];
const DATA = '/var/lib/postgresql/17/main';
const database: Database = { dataDirectory: DATA, realDirectory: DATA, version: '17', systemIdentifier: '7', ours: false, clusters: [] };

const etcdOf = (name: string): Record<string, string> => ({
  ETCD_NAME: name,
  ETCD_DATA_DIR: '/var/lib/etcd/demo',
  ETCD_ADVERTISE_CLIENT_URLS: `https://10.0.0.${name.slice(2)}:2379`,
  ETCD_INITIAL_ADVERTISE_PEER_URLS: `https://10.0.0.${name.slice(2)}:2380`,
  ETCD_INITIAL_CLUSTER_TOKEN: 'demo',
});

/** What runs on a host, or ran there last. */
type Ran = RunningState & { etcd: EtcdRunning };

const NO_ETCD: EtcdRunning = { process: undefined, file: undefined, hasData: false };

/** A member as pgprov's apply left it. */
function runs(name: string): Ran {
  return {
    wantedDirectory: DATA,
    postmasters: [{ ...database, port: 5432, unit: 'patroni.service' }],
    databases: [],
    patroniFile: {
      scope: 'demo',
      namespace: '/service/',
      name,
      restListen: '0.0.0.0:8008',
      listen: '*:5432',
      connectAddress: `10.0.0.${name.slice(2)}:5432`,
      dataDirectory: DATA,
      superuser: 'postgres',
      replication: 'replicator',
      rewind: 'rewind_user',
      sections: ['restapi', 'etcd3', 'bootstrap', 'postgresql', 'watchdog', 'tags'],
    },
    patroniData: database,
    etcd: { process: etcdOf(name), file: etcdOf(name), hasData: true },
    made: { encoding: 'UTF8', isWantedEncoding: true, locale: 'C.UTF-8' },
  };
}

const stopped = (name: string): Ran => ({
  ...runs(name),
  postmasters: [],
  etcd: { process: undefined, file: etcdOf(name), hasData: true },
  made: undefined,
});

const LIVE = {
  [PATRONI_MEMBER.id]: { answers: true, scope: 'demo' },
  [ETCD_MEMBER.id]: {
    healthy: true,
    hasData: true,
    requiresClientCertificate: true,
    members: NAMES.map((name) => ({ name, peerUrls: [`https://10.0.0.${name.slice(2)}:2380`] })),
  },
  'pg-role:postgres': { server: 'primary', exists: true },
  'pg-role:replicator': { server: 'primary', exists: true },
  'pg-role:rewind_user': { server: 'primary', exists: true },
  'pg-role:admin': { server: 'primary', exists: false },
};
const DOWN = { [PATRONI_MEMBER.id]: { answers: false }, [ETCD_MEMBER.id]: { healthy: false, hasData: true, members: [] } };

/** `pg1: …` of all that the roles' guards object to. */
async function refusals(
  yaml: string,
  stateOf: (name: string, inventory: Inventory) => Partial<Ran>,
  others: object | ((name: string) => object),
): Promise<string[]> {
  const inventory = await inventoryOf(yaml);
  const states = inventory.hosts.map(({ name }): [string, Map<string, unknown>] => {
    const { etcd, ...running } = stateOf(name, inventory);
    return [
      name,
      new Map(
        Object.entries({
          [HOST_FACTS.id]: DEBIAN,
          ...(typeof others === 'function' ? (others as (name: string) => object)(name) : others),
          [RUNNING.id]: running,
          [ETCD_RUNNING.id]: etcd,
        }),
      ),
    ];
  });
  const view = new View(inventory, new Map(states));
  return ROLES.flatMap((role) => guardChanges(view, role)).map(({ kind, message, hint, decisive }) => {
    expect([kind, decisive]).toEqual(['refuse', true]);
    return `${message.replaceAll(inventory.file, 'inventory.yml')} → ${hint}`;
  });
}

/** The variables that the schemas call fixed. */
function fixedIn(schema: VariableSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const isFixed = child.change === 'recreate' || typeof child.change === 'object';
    return [...(isFixed ? [`${prefix}${key}`] : []), ...fixedIn(child, `${prefix}${key}.`)];
  });
}

describe('changes of what is fixed', () => {
  it('are detected for every variable that its schema marks as fixed', () => {
    const { sections, host } = inventorySchemas(CATALOG);
    const named = [...sections].flatMap(([name, section]) => fixedIn(section, `${name}.`));
    // Who is a member is compared as a whole, by the lists of members: `hosts`.
    const ofOne = Object.entries(host.properties).filter(([key]) => !sections.has(key) && !['roles', 'absent'].includes(key));
    const hostKeys = fixedIn({ properties: Object.fromEntries(ofOne) }, '');
    expect(new Set(FIXED_VARIABLES.map(({ variable }) => variable))).toEqual(new Set([...named, ...hostKeys, 'cluster', 'dcs', 'hosts']));
  });

  it('are absent when nothing was changed, running or not', async () => {
    expect(await refusals(THREE, runs, LIVE)).toEqual([]);
    expect(await refusals(THREE, stopped, DOWN)).toEqual([]);
  });

  it('are absent on hosts that have nothing yet', async () => {
    const nothing: Partial<Ran> = {
      wantedDirectory: '',
      postmasters: [],
      databases: [],
      patroniFile: undefined,
      patroniData: undefined,
      etcd: NO_ETCD,
      made: undefined,
    };
    const odd =
      'postgresql: {port: 5433, name: x, superuser: admin}\npatroni: {scope: y, restapi_port: 1}\netcd: {client_port: 2, peer_port: 3}\n';
    expect(await refusals(`${THREE}${odd}`, () => nothing, DOWN)).toEqual([]);
    // A first apply that was broken off after it had written its files.
    const begun = (name: string): Ran => ({
      ...stopped(name),
      patroniData: undefined,
      etcd: { process: undefined, file: etcdOf(name), hasData: false },
    });
    expect(await refusals(`${THREE}${odd}`, begun, DOWN)).toEqual([]);
  });

  const all = 'pg1, pg2 and pg3: ';
  const file = '/etc/patroni/config.yml';
  const elsewhere =
    (wantedDirectory: string) =>
    (state: Ran): Ran => ({ ...state, wantedDirectory });

  it.each<{ title: string; yaml: string; running: string[]; down: string[]; wanted?: string }>([
    {
      title: 'postgresql.version',
      yaml: 'postgresql: {version: 16}\n',
      wanted: '/var/lib/postgresql/16/main',
      running: [
        `${all}postgresql.version is 16 (inventory.yml:6), but the database in ${DATA}, which runs, is of version 17 → set it back to 17; data of a later major version is not taken back to an earlier one, unless by the --undo of an upgrade`,
      ],
      down: [
        `${all}postgresql.version is 16 (inventory.yml:6), but the database in ${DATA}, which ran last, is of version 17 → set it back to 17; data of a later major version is not taken back to an earlier one, unless by the --undo of an upgrade`,
      ],
    },
    {
      title: 'postgresql.name',
      yaml: 'postgresql: {name: other}\n',
      wanted: '/var/lib/postgresql/17/other',
      running: [
        `${all}postgresql.name is other (inventory.yml:6), but PostgreSQL runs in ${DATA} → it was fixed when the cluster was made: set it back to main`,
      ],
      down: [
        `${all}postgresql.name is other (inventory.yml:6), but the database is in ${DATA} → it was fixed when the cluster was made: set it back to main`,
      ],
    },
    {
      title: 'postgresql.data_dir',
      yaml: 'postgresql: {data_dir: /srv/pg}\n',
      wanted: '/srv/pg',
      running: [
        `${all}postgresql.data_dir is /srv/pg (inventory.yml:6), but PostgreSQL runs in ${DATA} → set it back to ${DATA}; pgprov does not move data`,
      ],
      down: [
        `${all}postgresql.data_dir is /srv/pg (inventory.yml:6), but the database is in ${DATA} → set it back to ${DATA}; pgprov does not move data`,
      ],
    },
    {
      title: 'postgresql.port',
      yaml: 'postgresql: {port: 5433}\n',
      running: [
        `${all}postgresql.port is 5433 (inventory.yml:6), but PostgreSQL listens on 5432 → it was fixed when the cluster was made: set it back to 5432`,
      ],
      down: [
        `${all}postgresql.port is 5433 (inventory.yml:6), but ${file} says 5432 → it was fixed when the cluster was made: set it back to 5432`,
      ],
    },
    {
      title: 'postgresql.superuser',
      yaml: 'postgresql: {superuser: admin}\n',
      running: [
        `${all}postgresql.superuser is admin (inventory.yml:6), but Patroni works as postgres, by ${file} → it was fixed when the cluster was made: set it back to postgres`,
      ],
      down: [
        `${all}postgresql.superuser is admin (inventory.yml:6), but Patroni works as postgres, by ${file} → it was fixed when the cluster was made: set it back to postgres`,
      ],
    },
    {
      title: 'patroni.namespace',
      yaml: 'patroni: {namespace: /pg/}\n',
      running: [
        `${all}patroni.namespace is /pg/ (inventory.yml:6), but ${file} says /service/ → it was fixed when the cluster was made: set it back to /service/`,
      ],
      down: [
        `${all}patroni.namespace is /pg/ (inventory.yml:6), but ${file} says /service/ → it was fixed when the cluster was made: set it back to /service/`,
      ],
    },
    {
      title: 'patroni.scope',
      yaml: 'patroni: {scope: other}\n',
      running: [
        `${all}patroni.scope is other (inventory.yml:6), but Patroni runs with the scope demo → it was fixed when the cluster was made: set it back to demo`,
      ],
      down: [
        `${all}patroni.scope is other (inventory.yml:6), but ${file} says demo → it was fixed when the cluster was made: set it back to demo`,
      ],
    },
    {
      title: 'patroni.restapi_port',
      yaml: 'patroni: {restapi_port: 8010}\n',
      running: [
        `${all}patroni.restapi_port is 8010 (inventory.yml:6), but ${file} has Patroni listen on 8008 → it was fixed when the cluster was made: set it back to 8008`,
      ],
      down: [
        `${all}patroni.restapi_port is 8010 (inventory.yml:6), but ${file} has Patroni listen on 8008 → it was fixed when the cluster was made: set it back to 8008`,
      ],
    },
    {
      title: 'etcd.client_port',
      yaml: 'etcd: {client_port: 2381}\n',
      running: [
        `${all}etcd.client_port is 2381 (inventory.yml:6), but etcd runs with 2379 → it was fixed when the cluster was made: set it back to 2379`,
      ],
      down: [
        `${all}etcd.client_port is 2381 (inventory.yml:6), but /etc/default/etcd says 2379 → it was fixed when the cluster was made: set it back to 2379`,
      ],
    },
    {
      title: 'etcd.data_dir',
      yaml: 'etcd: {data_dir: /srv/etcd}\n',
      running: [
        `${all}etcd.data_dir is /srv/etcd (inventory.yml:6), but etcd runs in /var/lib/etcd/demo → it was fixed when the cluster was made: set it back to /var/lib/etcd/demo; in another directory the member would start empty and forget its votes`,
      ],
      down: [
        `${all}etcd.data_dir is /srv/etcd (inventory.yml:6), but the member’s data is in /var/lib/etcd/demo → it was fixed when the cluster was made: set it back to /var/lib/etcd/demo; in another directory the member would start empty and forget its votes`,
      ],
    },
  ])('are refused for $title, whether the cluster runs or is down', async ({ yaml, running, down, wanted = DATA }) => {
    const there = elsewhere(wanted);
    expect(await refusals(`${THREE}${yaml}`, (name) => there(runs(name)), LIVE)).toEqual(running);
    expect(await refusals(`${THREE}${yaml}`, (name) => there(stopped(name)), DOWN)).toEqual(down);
  });

  it('of encoding and locale are refused based on the server’s answer', async () => {
    const made = { encoding: 'UTF8', isWantedEncoding: false, locale: 'C.UTF-8' };
    expect(await refusals(`${THREE}postgresql: {encoding: LATIN1, locale: de_DE}\n`, (name) => ({ ...runs(name), made }), LIVE)).toEqual([
      `${all}postgresql.encoding is LATIN1 (inventory.yml:6), but the cluster was made with UTF8 → set it back to UTF8; it is for a new cluster, and a database of another encoding is made by CREATE DATABASE`,
      `${all}postgresql.locale is de_DE (inventory.yml:6), but the cluster was made with C.UTF-8 → set it back to C.UTF-8; it is for a new cluster, and a database of another locale is made by CREATE DATABASE`,
    ]);
    expect(await refusals(`${THREE}postgresql: {locale: C.utf8}\n`, runs, LIVE)).toEqual([]);
  });

  it('are absent when a foreign server runs in place of the data', async () => {
    const made = { encoding: 'SQL_ASCII', isWantedEncoding: false, locale: 'C' };
    const foreign: Partial<Ran> = {
      wantedDirectory: DATA,
      postmasters: [{ ...database, version: '16', ours: false, port: 5433, unit: 'postgresql@17-main.service' }],
      databases: [],
      patroniFile: undefined,
      patroniData: undefined,
      etcd: NO_ETCD,
      made,
    };
    expect(await refusals(THREE, () => foreign, DOWN)).toEqual([]);
  });

  it('of a host’s name or address name that host', async () => {
    const renamed = THREE.replace('pg3:', 'db3:');
    const asPg3 = (of: (name: string) => Ran) => (name: string) => of(name === 'db3' ? 'pg3' : name);
    const sentence =
      /^db3: the inventory calls this host db3, but \/etc\/patroni\/config\.yml makes it the member pg3 → `pgprov rename \S+ --host pg3 --to db3` gives the member that name; or call the host pg3 again$/u;
    for (const [of, states] of [[runs, LIVE] as const, [stopped, DOWN] as const])
      expect(await refusals(renamed, asPg3(of), states)).toEqual([expect.stringMatching(sentence)]);
    const moved = THREE.replace('10.0.0.2', '10.0.9.2');
    const mend =
      / → `pgprov readdress \S+ --host pg2 --from 10\.0\.0\.2` gives the member its new address, which its machine must have; or set it back to 10\.0\.0\.2$/u
        .source;
    expect(await refusals(moved, runs, LIVE)).toEqual([
      expect.stringMatching(`^pg2: cluster_address is 10.0.9.2, but etcd’s list of members has the member at 10.0.0.2${mend}`),
    ]);
    expect(await refusals(moved, stopped, DOWN)).toEqual([
      expect.stringMatching(`^pg2: cluster_address is 10.0.9.2, but /etc/default/etcd has the member at 10.0.0.2${mend}`),
    ]);
  });

  it('of the store name the one that the cluster is in', async () => {
    const sentence =
      /^pg1, pg2 and pg3: dcs is consul, but \/etc\/patroni\/config\.yml has the cluster in etcd → it was fixed when the cluster was made: keep the store etcd/u;
    for (const of of [runs, stopped]) expect(await refusals(`${THREE}dcs: consul\n`, of, DOWN)).toEqual([expect.stringMatching(sentence)]);
  });

  it('are absent when only a file differs and the cluster runs as the inventory has it', async () => {
    const written = (name: string): Ran => {
      const state = runs(name);
      return {
        ...state,
        patroniFile: {
          ...(state.patroniFile as NonNullable<RunningState['patroniFile']>),
          dataDirectory: '/srv/pg',
          listen: '*:5433',
          scope: 'other',
          name: `${name}b`,
          namespace: '/pg/',
          superuser: 'admin',
        },
        patroniData: undefined,
        etcd: {
          process: etcdOf(name),
          file: { ...etcdOf(name), ETCD_DATA_DIR: '/srv/etcd', ETCD_ADVERTISE_CLIENT_URLS: 'https://10.0.0.1:2381' },
          hasData: false,
        },
      };
    };
    const told = (name: string): object => ({
      ...LIVE,
      [DCS.id]: { reachable: true, initialize: '7', leader: 'pg1', members: [], config: undefined },
      [PATRONI_MEMBER.id]: { answers: true, scope: 'demo', name },
    });
    expect(await refusals(THREE, written, told)).toEqual([]);
  });

  it('can be reverted after a power failure: a file about an empty directory proves nothing', async () => {
    const lost = (name: string): Ran => ({
      ...stopped(name),
      patroniData: undefined,
      patroniFile: { ...(stopped(name).patroniFile as NonNullable<RunningState['patroniFile']>), dataDirectory: '/srv/pg' },
    });
    expect(await refusals(THREE, lost, DOWN)).toEqual([]);
  });

  it('can be reverted when one of three members runs with the new value, and cannot be continued', async () => {
    const half = (name: string): Ran =>
      name === 'pg2'
        ? {
            ...runs(name),
            etcd: {
              process: { ...etcdOf(name), ETCD_ADVERTISE_CLIENT_URLS: 'https://10.0.0.2:2381' },
              file: etcdOf(name),
              hasData: true,
            },
          }
        : runs(name);
    expect(await refusals(THREE, half, LIVE)).toEqual([]);
    expect(await refusals(`${THREE}etcd: {client_port: 2381}\n`, half, LIVE)).toEqual([
      'pg1 and pg3: etcd.client_port is 2381 (inventory.yml:6), but etcd runs with 2379 → it was fixed when the cluster was made: set it back to 2379',
    ]);
  });

  it('are not detected in a link to the directory that the server runs in', async () => {
    const linked = (name: string): Ran => ({ ...runs(name), wantedDirectory: DATA });
    expect(await refusals(`${THREE}postgresql: {data_dir: /srv/link}\n`, linked, LIVE)).toEqual([]);
  });

  it('are detected on a host without Patroni by the database that pgprov made', async () => {
    const alone = 'cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n';
    const own: Database = { ...database, ours: true };
    const serving: Partial<Ran> = {
      ...runs('pg1'),
      patroniFile: undefined,
      patroniData: undefined,
      etcd: NO_ETCD,
      postmasters: [{ ...own, port: 5432, unit: 'postgresql@17-main.service' }],
    };
    expect(await refusals(alone, () => serving, {})).toEqual([]);
    expect(
      await refusals(`${alone}postgresql: {version: 18}\n`, () => ({ ...serving, wantedDirectory: '/var/lib/postgresql/18/main' }), {}),
    ).toEqual([
      `db: postgresql.version is 18 (inventory.yml:4), but the database in ${DATA}, which runs, is of version 17 → set it back to 17; another major version takes pg_upgrade, which pgprov carries out only under Patroni`,
    ]);
    const down = { ...serving, postmasters: [], made: undefined, databases: [{ ...own, unit: 'postgresql@17-main' }] };
    expect(
      await refusals(`${alone}postgresql: {name: other}\n`, () => ({ ...down, wantedDirectory: '/var/lib/postgresql/17/other' }), {}),
    ).toEqual([
      `db: postgresql.name is other (inventory.yml:4), but the database is in ${DATA} → it was fixed when the cluster was made: set it back to main`,
    ]);
    // Another server on the host is nobody's business.
    expect(
      await refusals(
        `${alone}postgresql: {port: 5433}\n`,
        () => ({ ...serving, postmasters: [{ ...database, port: 5432, unit: '' }] }),
        {},
      ),
    ).toEqual([]);
  });

  it('are not detected where another inventory has an instance on the host, unless its directory is meant', async () => {
    const yaml = (more: string): string => `cluster: two\nroles: [base, pgdg, postgresql]\n${more}hosts: {db: {address: 192.0.2.1}}\n`;
    const other: Database = { ...database, ours: true, clusters: ['one'] };
    const beside = (wantedDirectory: string, running: boolean): Partial<Ran> => ({
      ...runs('pg1'),
      patroniFile: undefined,
      patroniData: undefined,
      etcd: NO_ETCD,
      wantedDirectory,
      postmasters: running ? [{ ...other, port: 5432, unit: 'postgresql@17-main.service' }] : [],
      databases: [{ ...other, unit: 'postgresql@17-main' }],
    });
    for (const running of [true, false]) {
      const further = yaml('postgresql: {name: two, port: 5433}\n');
      expect(await refusals(further, () => beside('/var/lib/postgresql/17/two', running), {})).toEqual([]);
      expect(await refusals(yaml('postgresql: {version: 18}\n'), () => beside('/var/lib/postgresql/18/main', running), {})).toEqual([]);
      expect(await refusals(yaml(''), () => beside(DATA, running), {})).toEqual([
        `db: cluster is two, but the database in ${DATA} is that of one → set it back to one; if this is to be another instance on the host, give it a postgresql.name and a postgresql.port of its own`,
      ]);
    }
  });
});
