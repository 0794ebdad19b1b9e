import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { guardedRole } from '../../src/catalog/guarded-role.js';
import { PgprovError } from '../../src/lib/errors.js';
import { shapeHost } from '../../src/plan/shape.js';
import type { Role } from '../../src/plan/role.js';
import type { Change, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { contextOf, inventoryOf } from '../support/inventory.js';

/** A resource as a class of its own, whose state no copy has. */
class Counter implements Resource<number> {
  readonly id = 'counter:x';
  readonly shares = [];
  #wanted = 3;
  probe = (): ReturnType<Resource['probe']> => sh`true`;
  parse(): number {
    return 0;
  }
  diff(state: number): Change[] {
    if (state < 0) throw new RangeError('negative');
    if (state > 99) throw new PgprovError({ kind: 'a/b', message: 'too much' });
    return state === this.#wanted ? [] : [{ action: 'update', summary: `count to ${this.#wanted}` }];
  }
  apply = (): ReturnType<Resource['apply']> => sh`true`;
  digest = (): string => String(this.#wanted);
}

async function resourceOf(stages: Role['stages']): Promise<Resource> {
  const role: Role = { name: 'x', description: 'x', variables: { type: 'object', properties: {} }, stages };
  const path = fileURLToPath(import.meta.url);
  const inventory = await inventoryOf('cluster: demo\nroles: [x]\nhosts: {pg1: 192.0.2.1}\n', [role]);
  const { stages: shaped } = shapeHost([guardedRole(role, { path, directory: dirname(path), name: 'x' })], contextOf(inventory, 'pg1'));
  return shaped[0]?.stage.resources[0] as Resource;
}

const one = (resource: object): ReturnType<Role['stages']> => [{ name: 'one', title: 'one', crossing: 'independent', resources: [resource as Resource] }];

describe('a role of the user’s own', () => {
  it('has resources that work as they did, copied or not', async () => {
    const resource = await resourceOf(() => one(new Counter()));
    expect([resource.id, resource.diff(1), resource.digest(), { ...resource }.id]).toEqual(['counter:x', [{ action: 'update', summary: 'count to 3' }], '3', 'counter:x']);
  });

  it('is told as the place of what its code throws', async () => {
    const resource = await resourceOf(() => one(new Counter()));
    expect(() => resource.diff(-1)).toThrow(expect.objectContaining({ kind: 'roles/defect', exitCode: 2, message: expect.stringMatching(/^role x, test\/catalog\/guarded-role\.test\.ts:\d+:\d+: negative$/u) as string }) as Error);
    expect(() => resource.diff(100)).toThrow(expect.objectContaining({ kind: 'a/b' }) as Error);
    await expect(resourceOf(() => { throw new TypeError('boom'); })).rejects.toMatchObject({ message: expect.stringMatching(/^role x, test\/catalog\/.*: boom$/u) as string });
  });

  it('is told as the place of what a thorough observation throws', async () => {
    const observation = { id: 'seen', probe: () => sh`true`, parse: () => 1 };
    const role: Role = {
      name: 'x', description: 'x', variables: { type: 'object', properties: {} }, stages: () => [],
      observations: () => [{ ...observation, thorough: { ...observation, parse: () => { throw new RangeError('odd'); } } }],
    };
    const path = fileURLToPath(import.meta.url);
    const inventory = await inventoryOf('cluster: demo\nroles: [x]\nhosts: {pg1: 192.0.2.1}\n', [role]);
    const [seen] = shapeHost([guardedRole(role, { path, directory: dirname(path), name: 'x' })], contextOf(inventory, 'pg1')).observations;
    expect(seen?.parse({ status: 0, out: Buffer.alloc(0) })).toBe(1);
    expect(() => seen?.thorough?.parse({ status: 0, out: Buffer.alloc(0) })).toThrow(/^role x, test\/catalog\/guarded-role\.test\.ts:\d+:\d+: odd$/u);
  });

  it.each<{ what: string; stages: unknown; message: string }>([
    { what: 'no list', stages: 3, message: 'role x: stages must be a list' },
    { what: 'no object', stages: [null], message: 'role x: stages must hold objects, not null' },
    { what: 'a name that is none', stages: [{ name: 'A b' }], message: 'role x: stage A b: name must be of lower-case letters, digits, - and _' },
    { what: 'a name twice', stages: [...one({ ...new Counter(), parse: () => 0, diff: () => [] }), ...one({})], message: 'role x: stage one: two stages have this name' },
    { what: 'no crossing', stages: [{ name: 'a', title: 'a', resources: [] }], message: "role x: stage a: crossing must be 'independent' or 'rolling'" },
    { what: 'half a resource', stages: one({ id: 'q', probe: () => sh`true` }), message: 'role x: stage one: resource q: parse() is missing' },
  ])('is refused with stages that are none: $what', async ({ stages, message }) => {
    await expect(resourceOf(() => stages as ReturnType<Role['stages']>)).rejects.toMatchObject({ kind: 'roles/defect', message });
  });
});
