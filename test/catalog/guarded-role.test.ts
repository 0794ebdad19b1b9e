import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ROLE_PROPERTIES } from '../../src/catalog/check-role.js';
import { guardedRole } from '../../src/catalog/guarded-role.js';
import { PgprovError } from '../../src/lib/errors.js';
import { Secret } from '../../src/lib/secret.js';
import type { Host, Inventory } from '../../src/model/index.js';
import { buildHostWork } from '../../src/plan/host-work.js';
import type { Role, TlsCopies } from '../../src/plan/role.js';
import { View } from '../../src/plan/view.js';
import { debian13 } from '../../src/platform/debian.js';
import type { Change, Observation, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { contextOf, hostOf, inventoryOf, MATERIAL } from '../support/inventory.js';

/** A resource as a class of its own, whose state no copy has. */
class Counter implements Resource<number> {
  readonly id = 'counter:x';
  readonly sharedQuestions = [];
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
  const { stages: shaped } = buildHostWork([guardedRole(role, { path, directory: dirname(path), name: 'x' })], contextOf(inventory, 'pg1'));
  return shaped[0]?.stage.resources[0] as Resource;
}

const stageOf = (resource: object): ReturnType<Role['stages']> => [
  { name: 'one', title: 'one', crossing: 'independent', resources: [resource as Resource] },
];

describe('a user’s own role', () => {
  it('has resources that work as they did, copied or not', async () => {
    const resource = await resourceOf(() => stageOf(new Counter()));
    expect([resource.id, resource.diff(1), resource.digest(), { ...resource }.id]).toEqual([
      'counter:x',
      [{ action: 'update', summary: 'count to 3' }],
      '3',
      'counter:x',
    ]);
  });

  it('is named as the origin of what its code throws', async () => {
    const resource = await resourceOf(() => stageOf(new Counter()));
    expect(() => resource.diff(-1)).toThrow(
      expect.objectContaining({
        kind: 'roles/defect',
        exitCode: 2,
        message: expect.stringMatching(/^role x, test\/catalog\/guarded-role\.test\.ts:\d+:\d+: negative$/u) as string,
      }) as Error,
    );
    expect(() => resource.diff(100)).toThrow(expect.objectContaining({ kind: 'a/b' }) as Error);
    await expect(
      resourceOf(() => {
        throw new TypeError('boom');
      }),
    ).rejects.toMatchObject({ message: expect.stringMatching(/^role x, test\/catalog\/.*: boom$/u) as string });
  });

  it('is named as the origin of what a thorough observation throws', async () => {
    const observation = { id: 'seen', probe: () => sh`true`, parse: () => 1 };
    const role: Role = {
      name: 'x',
      description: 'x',
      variables: { type: 'object', properties: {} },
      stages: () => [],
      observations: () => [
        {
          ...observation,
          thorough: {
            ...observation,
            parse: () => {
              throw new RangeError('odd');
            },
          },
        },
      ],
    };
    const path = fileURLToPath(import.meta.url);
    const inventory = await inventoryOf('cluster: demo\nroles: [x]\nhosts: {pg1: 192.0.2.1}\n', [role]);
    const [seen] = buildHostWork(
      [guardedRole(role, { path, directory: dirname(path), name: 'x' })],
      contextOf(inventory, 'pg1'),
    ).observations;
    expect(seen?.parse({ status: 0, out: Buffer.alloc(0) })).toBe(1);
    expect(() => seen?.thorough?.parse({ status: 0, out: Buffer.alloc(0) })).toThrow(
      /^role x, test\/catalog\/guarded-role\.test\.ts:\d+:\d+: odd$/u,
    );
  });

  /** Of each function of a role: what it is called with. The keys are those of the role's type, so none can be forgotten. */
  const CALLS: {
    readonly [Name in keyof Role as NonNullable<Role[Name]> extends (...values: never) => unknown ? Name : never]-?: () => Promise<
      unknown[]
    >;
  } = {
    contributes: async () => [hostOf(await one(), 'pg1')],
    reasons: async () => [hostOf(await one(), 'pg1')],
    problems: async () => [(await one()).hosts],
    warnings: async () => [(await one()).hosts],
    ports: async () => [hostOf(await one(), 'pg1')],
    protocols: async () => [hostOf(await one(), 'pg1')],
    entrances: async () => [hostOf(await one(), 'pg1')],
    patience: async () => [hostOf(await one(), 'pg1')],
    tls: async () => [hostOf(await one(), 'pg1'), await one()],
    install: async () => [contextOf(await one(), 'pg1')],
    stages: async () => [contextOf(await one(), 'pg1')],
    observations: async () => [contextOf(await one(), 'pg1')],
    inspections: async () => [contextOf(await one(), 'pg1')],
    saves: async () => [contextOf(await one(), 'pg1'), { form: 'full', view: await view() }],
    holdsData: async () => [await view(), 'pg1'],
    passwords: async () => [],
    declaredPasswords: async () => [hostOf(await one(), 'pg1')],
    preflight: async () => [await view()],
    missingPrerequisites: async () => [await view(), { hosts: new Set(), roles: new Set() }],
    guards: async () => [await view(), MATERIAL],
    outdated: async () => [await view(), MATERIAL],
    strangers: async () => [await view(), () => false],
    notices: async () => [await view()],
    effects: async () => [await view()],
    drift: async () => [await view()],
    checks: async () => [await view()],
    remarks: async () => [await view(), 'pg1'],
    status: async () => [await view(), hostOf(await one(), 'pg1')],
  };
  const one = (): Promise<Inventory> => inventoryOf('cluster: demo\nroles: [base]\nhosts: {pg1: 192.0.2.1}\n');
  const view = async (): Promise<View> => new View(await one(), new Map());
  const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
  const FILE = { path: fileURLToPath(import.meta.url), directory: dirname(fileURLToPath(import.meta.url)), name: 'x' };
  const role = (more: Partial<Role>): Role =>
    guardedRole({ name: 'x', description: 'x', variables: { type: 'object', properties: {} }, stages: () => [], ...more }, FILE);
  const blamed = (message: string): unknown => {
    const text = expect.stringMatching(new RegExp(`^role x, test/catalog/guarded-role\\.test\\.ts:\\d+:\\d+: ${message}$`, 'u')) as string;
    return expect.objectContaining({ kind: 'roles/defect', message: text });
  };
  const fails = (): never => {
    throw new RangeError('odd');
  };

  it('may define every function that a role may have', () => {
    const functions = Object.entries(ROLE_PROPERTIES).filter(([, { kind }]) => kind === 'function');
    expect([...names].sort()).toEqual(functions.map(([name]) => name).sort());
  });

  it.each(names)('is named as the origin of what its %s throws', async (name) => {
    const call = role({ [name]: fails })[name] as (...values: unknown[]) => unknown;
    const values = await CALLS[name]();
    expect(() => call(...values)).toThrow(blamed('odd') as Error);
  });

  it('is named as the origin of what the parts of its results throw', async () => {
    const gate = { id: 'gate:x', title: 'x', probe: () => sh`true`, parse: () => ({ open: true, seen: '' }), wait: fails };
    const stage = {
      name: 'one',
      title: 'one',
      crossing: 'independent',
      resources: [],
      proofs: [{ on: 'pg1', gate }],
      byOne: fails,
      takesPart: fails,
    } as const;
    const context = contextOf(await one(), 'pg1');
    const [guarded] = role({ stages: () => [stage] }).stages(context);
    expect(() => guarded?.proofs?.[0]?.gate.wait({})).toThrow(blamed('odd') as Error);
    expect(() => guarded?.byOne?.(new Map())).toThrow(blamed('odd') as Error);
    expect(() => guarded?.takesPart?.(new Map())).toThrow(blamed('odd') as Error);
    const { leadership } = role({ leadership: { leads: fails, stays: fails } });
    expect(() => leadership?.leads(new View(context.inventory, new Map()), 'pg1')).toThrow(blamed('odd') as Error);
    expect(() => leadership?.stays('pg1', new Set())).toThrow(blamed('odd') as Error);
    const values = { password: new Secret('new'), former: new Secret('old') };
    const logins = (make: () => Observation): Observation | undefined =>
      role({ passwords: () => [{ name: 'x', path: 'x.password', logins: make }] })
        .passwords?.()[0]
        ?.logins(context, values);
    expect(() => logins(fails)).toThrow(blamed('odd') as Error);
    expect(() => logins(() => ({ id: 'x', probe: fails, parse: fails }))?.probe()).toThrow(blamed('odd') as Error);
    const identity = role({ tls: () => ({ copies: fails, inUse: fails }) }).tls?.(context.host, context.inventory);
    expect(() => identity?.copies(debian13)).toThrow(blamed('odd') as Error);
    expect(() => identity?.inUse?.(new View(context.inventory, new Map()), context.host, undefined)).toThrow(blamed('odd') as Error);
  });

  it.each<{ what: string; more: object; call: keyof Role; message: string }>([
    { what: 'ports that are no list', more: { ports: () => 3 }, call: 'ports', message: 'role x: ports must be a list' },
    {
      what: 'an invalid port',
      more: { ports: () => [{ port: '80', what: 'web', units: [], openTo: {} }] },
      call: 'ports',
      message: 'role x: ports: web: port must be an integer from 1 to 65535',
    },
    {
      what: 'a port without an audience',
      more: { ports: () => [{ port: 80, what: 'web', units: [] }] },
      call: 'ports',
      message: 'role x: ports: web: openTo must be an object',
    },
    { what: 'a key pair without copies', more: { tls: () => ({}) }, call: 'tls', message: 'role x: tls: copies() is missing' },
    {
      what: 'names of a certificate that are no list',
      more: { tls: () => ({ names: 'db', copies: () => ({}) }) },
      call: 'tls',
      message: 'role x: tls: names must be a list of texts',
    },
    {
      what: 'an unknown level of a line',
      more: { status: () => [{ text: 'up', level: 'fine' }] },
      call: 'status',
      message: 'role x: status: level must be one of ok, warning, problem',
    },
  ])('is refused with $what', ({ more, call, message }) => {
    const called = role(more)[call] as () => unknown;
    expect(() => called()).toThrow(expect.objectContaining({ kind: 'roles/defect', message }) as Error);
  });

  it('is refused with copies of a key pair without an owner', () => {
    const copies = { directory: '/t', ca: '/t/ca', certificate: '/t/crt', key: '/t/key' } as TlsCopies;
    const identity = role({ tls: () => ({ copies: () => copies }) }).tls?.({} as Host, { hosts: [] });
    expect(() => identity?.copies(debian13)).toThrow('role x: tls: copies: owner must be a text');
  });

  it.each<{ what: string; stages: unknown; message: string }>([
    { what: 'something that is no list', stages: 3, message: 'role x: stages must be a list' },
    { what: 'something that is no object', stages: [null], message: 'role x: stages must hold objects, not null' },
    {
      what: 'an invalid name',
      stages: [{ name: 'A b' }],
      message: 'role x: stage A b: name must be of lower-case letters, digits, - and _',
    },
    {
      what: 'a name twice',
      stages: [...stageOf({ ...new Counter(), parse: () => 0, diff: () => [] }), ...stageOf({})],
      message: 'role x: stage one: two stages have this name',
    },
    {
      what: 'no crossing',
      stages: [{ name: 'a', title: 'a', resources: [] }],
      message: "role x: stage a: crossing must be 'independent' or 'rolling'",
    },
    {
      what: 'half a resource',
      stages: stageOf({ id: 'q', probe: () => sh`true` }),
      message: 'role x: stage one: resource q: parse() is missing',
    },
  ])('is refused with invalid stages: $what', async ({ stages, message }) => {
    await expect(resourceOf(() => stages as ReturnType<Role['stages']>)).rejects.toMatchObject({ kind: 'roles/defect', message });
  });
});
