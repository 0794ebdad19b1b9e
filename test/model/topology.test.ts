import { describe, expect, it } from 'vitest';
import { topologyOf } from '../../src/model/index.js';
import { catalog } from './catalog.js';
import { inventoryDirectory, load, problemsOf } from './inventory-file.js';

const directory = inventoryDirectory();
const STANDALONE = '[base, postgresql]';
const hosts = (...names: string[]): string => `hosts:\n${names.map((name, index) => `  ${name}: 192.0.2.${index + 1}\n`).join('')}`;

describe('servers without Patroni', () => {
  it('are refused when there are several, because nothing would make them one database', async () => {
    const yaml = `cluster: demo\nroles: ${STANDALONE}\n${hosts('pg1', 'pg2', 'pg3')}`;
    expect(await problemsOf(directory.path, yaml, { roles: catalog })).toEqual([
      'inventory.yml:3:1 hosts: pg1, pg2 and pg3 have PostgreSQL without Patroni: each would be a database of its own, and none a standby of another',
      '    add the roles etcd and patroni to make them one cluster, or give every server an inventory of its own',
    ]);
  });

  it('have no leader', async () => {
    const yaml = `cluster: demo\nleader: pg1\nroles: ${STANDALONE}\n${hosts('pg1')}`;
    expect(await problemsOf(directory.path, yaml, { roles: catalog })).toEqual([
      'inventory.yml:2:9 leader: has no meaning without Patroni: no host has the role patroni, so no host can lead',
      '    leave it out, or add the roles etcd and patroni',
    ]);
  });

  it('stand alone, one per inventory', async () => {
    const inventory = await load(directory.path, `cluster: demo\nroles: ${STANDALONE}\n${hosts('pg1')}`, { roles: catalog });
    expect(inventory.hosts.map(topologyOf)).toEqual(['single']);
  });

  it('cannot be combined with members of Patroni', async () => {
    const inventory = await load(directory.path, `cluster: demo\n${hosts('pg1', 'pg2', 'pg3')}`, { roles: catalog });
    expect(inventory.hosts.map(topologyOf)).toEqual(['patroni', 'patroni', 'patroni']);
  });
});
