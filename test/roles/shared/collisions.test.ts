import { describe, expect, it } from 'vitest';
import { InventoryError } from '../../../src/model/index.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

/** What is wrong with an inventory, a line each: path, message. */
async function problems(yaml: string): Promise<string[]> {
  try {
    await inventoryOf(yaml);
    return [];
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const SINGLE = 'cluster: demo\nroles: [base, pgdg, postgresql, replication]\nhosts: {pg1: 10.0.0.1}\n';
const TWO_ROLES = 'these are two roles, with passwords and rights of their own';

describe('roles of the database', () => {
  it.each([
    {
      yaml: `${THREE}replication: {username: postgres}\n`,
      says: `replication.username: postgres is the name of postgresql.superuser too: ${TWO_ROLES}`,
    },
    {
      yaml: `${THREE}patroni: {rewind_username: replicator}\n`,
      says: `patroni.rewind_username: replicator is the name of replication.username too: ${TWO_ROLES}`,
    },
    {
      yaml: `${THREE}postgresql: {superuser: replicator}\n`,
      says: `postgresql.superuser: replicator is the name of replication.username too: ${TWO_ROLES}`,
    },
    {
      yaml: `${SINGLE}replication: {username: postgres}\n`,
      says: `replication.username: postgres is the name of postgresql.superuser too: ${TWO_ROLES}`,
    },
  ])('have names of their own: $says', async ({ yaml, says }) => expect(await problems(yaml)).toEqual([says]));

  it('may have any names that differ', async () => {
    const yaml = `${THREE}postgresql: {superuser: dbadmin}\nreplication: {username: postgres}\npatroni: {rewind_username: other}\n`;
    expect(await problems(yaml)).toEqual([]);
  });

  it('are told where a name has no effect', async () => {
    const { warnings } = await inventoryOf(`${SINGLE}postgresql: {superuser: dbadmin}\n`);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'postgresql.superuser: has no effect without Patroni: the superuser is postgres',
    ]);
  });
});

describe('data directories', () => {
  const within = (data: string, store: string): string =>
    `PostgreSQL’s data would be in ${data} and etcd’s in ${store}: neither may lie in the other`;

  it.each([
    {
      yaml: 'postgresql: {data_dir: /srv/pg}\netcd: {data_dir: /srv/pg/etcd}\n',
      says: `etcd.data_dir: ${within('/srv/pg', '/srv/pg/etcd')}`,
    },
    {
      yaml: 'postgresql: {data_dir: /srv/etcd/pg}\netcd: {data_dir: /srv//etcd/}\n',
      says: `etcd.data_dir: ${within('/srv/etcd/pg', '/srv//etcd/')}`,
    },
    {
      yaml: 'postgresql: {data_dir: /srv/data}\netcd: {data_dir: /srv/data}\n',
      says: `etcd.data_dir: ${within('/srv/data', '/srv/data')}`,
    },
    { yaml: 'postgresql: {data_dir: /var/lib/etcd/pg}\n', says: `postgresql.data_dir: ${within('/var/lib/etcd/pg', '/var/lib/etcd')}` },
    {
      yaml: 'etcd: {data_dir: /var/lib/pgsql/17/data/etcd}\n',
      says: `etcd.data_dir: ${within('/var/lib/pgsql/17/data', '/var/lib/pgsql/17/data/etcd')}`,
    },
    {
      yaml: 'etcd: {data_dir: /var/log/}\n',
      says: 'etcd.data_dir: /var/log belongs to the operating system, and a data directory is closed to everybody else',
    },
  ])('lie apart, and are nobody else’s: $yaml', async ({ yaml, says }) =>
    expect(new Set(await problems(THREE + yaml))).toEqual(new Set([says])),
  );

  it.each(['postgresql: {data_dir: /srv/pg}\netcd: {data_dir: /srv/pg2}\n', 'etcd: {data_dir: /var/lib/etcd}\n', ''])(
    'may be %j',
    async (yaml) => expect(await problems(THREE + yaml)).toEqual([]),
  );
});

describe('names in the store', () => {
  it.each(['patroni: {scope: ..}', 'patroni: {scope: .}', 'patroni: {namespace: /a/../b}', 'patroni: {namespace: /..}'])(
    'are no way out of it: %s',
    async (yaml) => expect(await problems(`${THREE}${yaml}\n`)).toHaveLength(1),
  );

  it.each(['patroni: {scope: a..b}', 'patroni: {namespace: /a.b/c/}', 'patroni: {namespace: /}'])('may be %s', async (yaml) =>
    expect(await problems(`${THREE}${yaml}\n`)).toEqual([]),
  );
});
