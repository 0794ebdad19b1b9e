import { expect, it } from 'vitest';
import { OPERATIONS } from '../../src/operations/index.js';
import { startOf } from '../../src/engine/operation-start.js';
import type { Operation } from '../../src/plan/operation.js';
import { streaming } from '../roles/shared/streaming/scene.js';

it.each(OPERATIONS.filter((operation) => operation.streaming !== true).map((operation) => [operation.name, operation] as const))(
  '%s refuses servers that stream without Patroni before it does anything',
  async (name, operation) => {
    const given = { operation: operation as unknown as Operation, inventory: await streaming(), catalog: [], given: {} };
    const start = startOf({
      ...given,
      openStore: () => {
        throw new Error('opened');
      },
    } as unknown as Parameters<typeof startOf>[0]);
    await expect(start).rejects.toMatchObject({
      exitCode: 2,
      message: `${name} does not know servers that stream without Patroni, which those of demo are (pg1, pg2 and pg3); nothing was done`,
    });
  },
);

it('only what is known to be true of them works on them', () => {
  const known = OPERATIONS.filter((operation) => operation.streaming === true).map(({ name }) => name);
  expect(known.toSorted()).toEqual([
    'backup',
    'backup verify',
    'certs renew',
    'clone',
    'drill restore',
    'failover',
    'migrate',
    'rebuild',
    'reload',
    'restart',
    'restore',
    'secrets rotate',
    'snapshot',
    'start',
    'stop',
    'switchover',
    'update',
  ]);
});
