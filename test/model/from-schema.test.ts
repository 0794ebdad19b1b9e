import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Secret } from '../../src/lib/secret.js';
import { variablesOf, type FromSchema, type FromVariables, type VariablesSchema } from '../../src/model/index.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const SCHEMA = {
  type: 'object',
  properties: {
    port: { type: 'integer', default: 1 },
    ratio: { type: 'number' },
    mode: { type: 'string', enum: ['on', 'off'], default: 'on' },
    password: { type: 'string', secret: true },
    names: { type: 'array', items: { type: 'string' }, default: [] },
    tags: { type: 'object', additionalProperties: { type: ['string', 'boolean'] }, default: {} },
    more: { type: 'object', properties: { a: { type: 'string' } }, default: {} },
    any: {},
  },
} as const satisfies VariablesSchema;

describe('types of variables', () => {
  it('come from their schema', () => {
    expectTypeOf<FromVariables<typeof SCHEMA>>().toMatchTypeOf<{
      readonly port: number;
      readonly ratio?: number;
      readonly mode: 'on' | 'off';
      readonly password?: Secret;
      readonly names: readonly string[];
      readonly tags: Readonly<Record<string, string | boolean>>;
      readonly more: Readonly<Record<string, unknown>>;
    }>();
    expectTypeOf<FromVariables<typeof SCHEMA>['ratio']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<FromSchema<{ readonly anyOf: readonly [] }>>().toBeUnknown();
    const read = (variables: FromVariables<typeof SCHEMA>): unknown =>
      // @ts-expect-error the schema has no such variable
      variables.prot;
    expect(read({ port: 1, mode: 'on', names: [], tags: {}, more: {} })).toBeUndefined();
  });

  it('are read for hosts that have the role, and for no other', async () => {
    const { hosts } = await inventoryOf(THREE.replace('hosts:', 'roles: [base, pgdg, postgresql]\nhosts:').replace(/ {2}pg[23].*\n/gu, ''));
    const [host] = hosts;
    if (host === undefined) throw new Error('no host');
    const schema = { type: 'object', properties: { port: { type: 'integer', default: 5432 } } } as const;
    expect(variablesOf(host, 'postgresql', schema).port).toBe(5432);
    expect(() => variablesOf(host, 'patroni', schema)).toThrow('pg1 does not have the role patroni, and so none of its variables');
  });
});
