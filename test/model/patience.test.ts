import { expect, it } from 'vitest';
import { patienceFor } from '../../src/model/index.js';
import { inventoryOf } from '../support/inventory.js';

it('is what base says of a host, and of several the largest', async () => {
  const { hosts } = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: {address: 192.0.2.2, base: {patience: 4}}\n');
  expect(hosts.map(({ patience }) => patience)).toEqual([1, 4]);
  expect([patienceFor(hosts), patienceFor([])]).toEqual([4, 1]);
});
