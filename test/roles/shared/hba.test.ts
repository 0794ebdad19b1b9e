import { expect, it } from 'vitest';
import { localLines, memberLines } from '../../../roles/shared/hba.js';
import { inventoryOf } from '../../support/inventory.js';

// Without quotes it is everybody.
it('a line for the role named "all" lets in that role, and not all roles', async () => {
  const inventory = await inventoryOf('cluster: demo\nhosts: {pg1: {address: 10.0.0.1}}\n');
  expect(memberLines(inventory, 'patroni', { replication: 'all', rewind: 'all', superuser: 'postgres' })).toEqual([
    'host replication "all" 10.0.0.1/32 scram-sha-256',
    'host all "all" 10.0.0.1/32 scram-sha-256',
    'host all postgres 10.0.0.1/32 scram-sha-256',
  ]);
  expect(localLines('all')).toContain('host replication "all" 127.0.0.1/32 scram-sha-256');
});
