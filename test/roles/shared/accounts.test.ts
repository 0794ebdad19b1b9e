import { describe, expect, it } from 'vitest';
import { nextServer, servers } from '../../../roles/shared/accounts.js';
import { contextOf, inventoryOf, THREE } from '../../support/inventory.js';

const inventory = await inventoryOf(`${THREE}  watch:
    address: 192.0.2.8
    roles: [base, etcd]
  alone:
    address: 192.0.2.9
    roles: [base, pgdg, postgresql, replication]
`);

describe('the servers to replicate from', () => {
  it('are those that a host may replicate from', () => {
    expect(servers(contextOf(inventory, 'pg2')).map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(servers(contextOf(inventory, 'alone'))).toEqual([{ address: '192.0.2.9', port: 5432 }]);
  });

  it.each([
    { name: 'pg1', next: { address: '10.0.0.2', port: 5432 } },
    { name: 'pg2', next: { address: '10.0.0.3', port: 5432 } },
    { name: 'pg3', next: { address: '10.0.0.1', port: 5432 } },
    { name: 'alone', next: { address: '192.0.2.9', port: 5432 } },
  ])('continue with $next.address after $name', ({ name, next }) => expect(nextServer(contextOf(inventory, name))).toEqual(next));
});
