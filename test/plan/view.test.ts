import { handle } from '../../src/resources/handle.js';
import { expect, it } from 'vitest';
import { View } from '../../src/plan/view.js';
import { inventoryOf, THREE } from '../support/inventory.js';

it('View knows which hosts were surveyed, and what was seen there', async () => {
  const inventory = await inventoryOf(THREE);
  const view = new View(
    inventory,
    new Map([
      ['pg3', new Map([['x', 1]])],
      ['pg1', new Map()],
    ]),
  );
  expect(view.hosts('etcd').map(({ name }) => name)).toEqual(['pg1', 'pg3']);
  expect(view.hosts('no-such-role')).toEqual([]);
  expect([view.complete('etcd'), view.complete('no-such-role')]).toEqual([false, true]);
  expect([view.read('pg3', handle<number>('x')), view.read('pg1', handle<number>('x')), view.read('pg2', handle<number>('x'))]).toEqual([
    1,
    undefined,
    undefined,
  ]);
});
