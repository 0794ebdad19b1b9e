import { expect, it } from 'vitest';
import { guardLeftUnits } from '../../src/plan/left-units.js';
import { LEFT_UNITS } from '../../src/resources/left-units.js';
import { RUNNING, type RegisteredDatabase } from '../../src/resources/running.js';
import { inventoryOf } from '../support/inventory.js';

const instance = (unit: string, clusters: readonly string[]): RegisteredDatabase => ({
  dataDirectory: `/${unit}`,
  realDirectory: `/${unit}`,
  version: '17',
  systemIdentifier: unit,
  ours: true,
  unit,
  clusters,
});

it('the unit of an instance that another inventory has on the host is not one that this one left', async () => {
  const inventory = await inventoryOf('cluster: two\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n');
  const databases = [instance('postgresql@17-one', ['one']), instance('postgresql@17-two', ['two']), instance('postgresql@17-new', [])];
  const noted = [
    { unit: 'postgresql@17-away', active: false, cluster: 'one' },
    { unit: 'postgresql@17-own', active: false, cluster: 'two' },
  ];
  const left = [...[...databases, { unit: 'patroni' }].map(({ unit }) => ({ unit, active: true })), ...noted];
  const states = new Map([
    [
      'db',
      new Map<string, unknown>([
        [LEFT_UNITS.id, left],
        [RUNNING.id, { databases }],
      ]),
    ],
  ]);
  expect(guardLeftUnits(inventory, states).map(({ message }) => /set up (\S+)/u.exec(message)?.[1])).toEqual([
    'postgresql@17-two',
    'postgresql@17-new',
    'patroni',
    'postgresql@17-own',
  ]);
});
