import { describe, expect, it } from 'vitest';
import { defineRole, type Role, type Stage } from '../../src/plan/role.js';
import { aimedHosts, aimedRoles, checkAim, joinShapes, shapeHost, type Aim, type HostShape } from '../../src/plan/shape.js';
import { contextOf, inventoryOf } from '../support/inventory.js';

const role = (name: string, rest: Partial<Role> = {}): Role =>
  defineRole({ name, description: name, variables: { type: 'object', properties: {} }, stages: () => [], ...rest });
const stage = (name: string, rest: Partial<Stage> = {}): Stage => ({ name, title: `do ${name}`, crossing: 'independent', resources: [], ...rest });

const catalog = [role('base'), role('web'), role('db')];
const inventory = await inventoryOf(
  `cluster: demo
hosts:
  b: {address: 192.0.2.2, roles: [db, base]}
  a: {address: 192.0.2.1, roles: [base]}
  c: {address: 192.0.2.3, roles: [db]}
`,
  catalog,
);

describe('an aim', () => {
  it.each<{ title: string; aim: Aim; roles: string[]; hosts: string[] }>([
    { title: 'at everything', aim: {}, roles: ['base', 'web', 'db'], hosts: ['b', 'a', 'c'] },
    { title: 'at a host', aim: { hosts: ['a'] }, roles: ['base', 'web', 'db'], hosts: ['a'] },
    { title: 'at roles, in the catalog’s order', aim: { roles: ['db', 'base'] }, roles: ['base', 'db'], hosts: ['b', 'a', 'c'] },
    { title: 'at a role of some', aim: { roles: ['db'] }, roles: ['db'], hosts: ['b', 'c'] },
    { title: 'at a role of a host', aim: { roles: ['db'], hosts: ['c', 'a'] }, roles: ['db'], hosts: ['c'] },
  ])('$title', ({ aim, roles, hosts }) => {
    expect(aimedRoles(catalog, aim).map(({ name }) => name)).toEqual(roles);
    expect(aimedHosts(inventory, catalog, aim)).toEqual(hosts);
    expect(() => checkAim(inventory, catalog, aim)).not.toThrow();
  });

  it.each<{ aim: Aim; kind: string; message: string; hint: string }>([
    { aim: { hosts: ['a', 'x'] }, kind: 'aim/unknown-host', message: 'there is no host "x"', hint: 'the hosts are b, a, c' },
    { aim: { roles: ['y'] }, kind: 'aim/unknown-role', message: 'there is no role "y"', hint: 'the roles are base, web, db' },
    { aim: { roles: ['web'] }, kind: 'aim/nothing', message: 'none of the hosts aimed at has the role web', hint: 'b: db, base; a: base; c: db' },
    { aim: { roles: ['db'], hosts: ['a'] }, kind: 'aim/nothing', message: 'none of the hosts aimed at has the role db', hint: 'b: db, base; a: base; c: db' },
    { aim: { hosts: [] }, kind: 'aim/nothing', message: 'none of the hosts aimed at has a role', hint: 'b: db, base; a: base; c: db' },
  ])('$message', ({ aim, kind, message, hint }) => {
    expect(() => checkAim(inventory, catalog, aim)).toThrow(expect.objectContaining({ kind, message, hint, exitCode: 2 }) as Error);
  });
});

describe('shapeHost', () => {
  it('takes the host’s roles in the catalog’s order, and each observation once', () => {
    const seen = { id: 'x', probe: () => { throw new Error('not asked'); }, parse: () => undefined };
    const roles = [
      role('base', { stages: () => [stage('one'), stage('two')], observations: () => [seen, { ...seen, id: 'y' }] }),
      role('web', { stages: () => [stage('never')] }),
      role('db', { stages: () => [stage('one')], observations: () => [seen] }),
    ];
    const shape = shapeHost(roles, contextOf(inventory, 'b'));
    expect(shape.stages.map(({ id }) => id)).toEqual(['base/one', 'base/two', 'db/one']);
    expect(shape.observations.map(({ id }) => id)).toEqual(['x', 'y']);
  });
});

describe('joinShapes', () => {
  const shape = (...ids: string[]): HostShape => ({
    observations: [], stages: ids.map((id) => ({ id, stage: stage(id.split('/')[1] ?? '') })),
  });
  const join = (shapes: Record<string, HostShape>): string[] =>
    joinShapes(catalog, new Map(Object.entries(shapes))).map(({ id, hosts }) => `${id}: ${[...hosts.keys()].join(' ')}`);

  it.each<{ title: string; shapes: Record<string, HostShape>; stages: string[] }>([
    { title: 'nothing', shapes: {}, stages: [] },
    { title: 'the same on all', shapes: { b: shape('base/x', 'db/y'), c: shape('base/x', 'db/y') }, stages: ['base/x: b c', 'db/y: b c'] },
    { title: 'roles in the catalog’s order', shapes: { c: shape('db/y'), a: shape('base/x') }, stages: ['base/x: a', 'db/y: c'] },
    { title: 'a last stage of one host', shapes: { b: shape('db/x', 'db/last'), c: shape('db/x') }, stages: ['db/x: b c', 'db/last: b'] },
  ])('$title', ({ shapes, stages }) => expect(join(shapes)).toEqual(stages));

  it('keeps a stage that only a later host has where that host has it', () => {
    expect(join({ b: shape('db/install', 'db/start'), c: shape('db/install', 'db/initialise', 'db/start') })).toEqual([
      'db/install: b c', 'db/initialise: c', 'db/start: b c',
    ]);
  });

  it('carries how a stage crosses the cluster', () => {
    const rolling = stage('start', { crossing: 'rolling', leaderFirst: true });
    const [joined] = joinShapes([role('db')], new Map([['b', { observations: [], stages: [{ id: 'db/start', stage: rolling }] }]]));
    expect(joined).toMatchObject({ id: 'db/start', role: 'db', title: 'do start', crossing: 'rolling', leaderFirst: true });
  });
});
