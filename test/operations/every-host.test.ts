import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { OPERATIONS } from '../../src/operations/index.js';
import { contextOf, inventoryOf } from '../support/inventory.js';

/** A repository on a host that has neither PostgreSQL nor Patroni. */
const REPOSITORY = '  repo1: {address: 10.0.0.9, roles: [base, pgdg, backup-repository]}\n';
const INVENTORIES = {
  'with Patroni': `cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni, backup]\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n${REPOSITORY}`,
  'that stream': `cluster: demo\nroles: [base, pgdg, postgresql, replication, backup]\nleader: pg1\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n${REPOSITORY}`,
  'of one': `cluster: demo\nroles: [base, pgdg, postgresql, backup]\nhosts:\n  pg1: 10.0.0.1\n${REPOSITORY}`,
};

describe.each(Object.entries(INVENTORIES))('servers %s beside a host that has the repository alone', (_which, yaml) => {
  it.each(OPERATIONS.map((operation) => [operation.name, operation] as const))('can be looked at by %s', async (_name, operation) => {
    const inventory = await inventoryOf(yaml);
    const asked = typeof operation.roles === 'function' ? operation.roles({ inventory, catalog: CATALOG, options: {} }) : operation.roles;
    for (const { name } of inventory.hosts.filter(({ roles }) => roles.some((role) => asked.includes(role)))) {
      const context = contextOf(inventory, name);
      expect(operation.observations?.(context, { inventory, options: {} } as never) ?? []).toBeInstanceOf(Array);
    }
  });
});
