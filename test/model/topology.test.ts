import { describe, expect, it } from 'vitest';
import { topologyOf } from '../../src/model/index.js';
import { CATALOG } from '../../roles/index.js';
import { catalog } from './catalog.js';
import { inventoryDirectory, load, problemsOf } from './inventory-file.js';

const directory = inventoryDirectory();
const STANDALONE = '[base, postgresql]';
const STREAMING = '[base, pgdg, postgresql, replication]';
const hosts = (...names: string[]): string => `hosts:\n${names.map((name, index) => `  ${name}: 192.0.2.${index + 1}\n`).join('')}`;

describe('servers without Patroni', () => {
  it('are refused when there are several that do not replicate, because nothing would make them one database', async () => {
    const yaml = `cluster: demo\nroles: ${STANDALONE}\n${hosts('pg1', 'pg2', 'pg3')}`;
    expect(await problemsOf(directory.path, yaml, { roles: catalog })).toEqual([
      'inventory.yml:3:1 hosts: pg1, pg2 and pg3 have PostgreSQL without Patroni: each would be a database of its own, and none a standby of another',
      '    add the role replication to pg1, pg2 and pg3 for a primary and its standbys, add the roles etcd and patroni to make them one cluster, or give every server an inventory of its own',
    ]);
  });

  it('are refused where one of them does not replicate, and beside a cluster of Patroni', async () => {
    const one = `cluster: demo\nroles: ${STREAMING}\nhosts:\n  pg1: 192.0.2.1\n  pg2: {address: 192.0.2.2, roles: [base, pgdg, postgresql]}\n`;
    expect((await problemsOf(directory.path, one, { roles: CATALOG }))[1]).toContain(
      'add the role replication to pg2 for a primary and its standbys',
    );
    const mixed = `cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: {address: 192.0.2.2, roles: ${STREAMING}}\n  pg3: {address: 192.0.2.3, roles: ${STREAMING}}\n`;
    expect((await problemsOf(directory.path, mixed, { roles: CATALOG }))[0]).toContain('pg2 and pg3 have PostgreSQL without Patroni');
  });

  it('have no leader where they stand alone', async () => {
    const yaml = `cluster: demo\nleader: pg1\nroles: ${STANDALONE}\n${hosts('pg1')}`;
    expect(await problemsOf(directory.path, yaml, { roles: catalog })).toEqual([
      'inventory.yml:2:9 leader: has no meaning for a server that stands alone: no other host can lead',
      '    leave it out, or add hosts: with the role replication as standbys, or with the roles etcd and patroni',
    ]);
  });

  it('stand alone, one per inventory', async () => {
    const inventory = await load(directory.path, `cluster: demo\nroles: ${STANDALONE}\n${hosts('pg1')}`, { roles: catalog });
    expect(inventory.hosts.map(topologyOf)).toEqual(['single']);
  });

  it('stream where several replicate, with a primary that the inventory may name', async () => {
    const named = await load(directory.path, `cluster: demo\nleader: pg2\nroles: ${STREAMING}\n${hosts('pg1', 'pg2', 'pg3')}`, {
      roles: CATALOG,
    });
    expect(named.hosts.map(topologyOf)).toEqual(['streaming', 'streaming', 'streaming']);
    expect([named.leader, named.leaderLine]).toEqual(['pg2', 2]);
    const unnamed = await load(directory.path, `cluster: demo\nroles: ${STREAMING}\n${hosts('pg1', 'pg2')}`, { roles: CATALOG });
    expect([unnamed.leader, unnamed.leaderLine]).toEqual(['pg1', undefined]);
  });

  it('cannot be combined with members of Patroni', async () => {
    const inventory = await load(directory.path, `cluster: demo\n${hosts('pg1', 'pg2', 'pg3')}`, { roles: catalog });
    expect(inventory.hosts.map(topologyOf)).toEqual(['patroni', 'patroni', 'patroni']);
  });
});
