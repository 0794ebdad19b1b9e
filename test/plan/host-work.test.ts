import { describe, expect, it } from 'vitest';
import { defineRole, type Installation, type Role, type Stage } from '../../src/plan/role.js';
import { joinHostWork, buildHostWork, type HostWork } from '../../src/plan/host-work.js';
import { debian13 } from '../../src/platform/debian.js';
import { rocky9 } from '../../src/platform/el.js';
import type { Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { contextOf, inventoryOf } from '../support/inventory.js';

const role = (name: string, rest: Partial<Role> = {}): Role =>
  defineRole({ name, description: name, variables: { type: 'object', properties: {} }, stages: () => [], ...rest });
const stage = (name: string, rest: Partial<Stage> = {}): Stage => ({
  name,
  title: `do ${name}`,
  crossing: 'independent',
  resources: [],
  ...rest,
});

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

describe('buildHostWork', () => {
  it('takes the host’s roles in the catalog’s order, and each observation once', () => {
    const seen = {
      id: 'x',
      probe: () => {
        throw new Error('not asked');
      },
      parse: () => undefined,
    };
    const roles = [
      role('base', { stages: () => [stage('one'), stage('two')], observations: () => [seen, { ...seen, id: 'y' }] }),
      role('web', { stages: () => [stage('never')] }),
      role('db', { stages: () => [stage('one')], observations: () => [seen] }),
    ];
    const shape = buildHostWork(roles, contextOf(inventory, 'b'));
    expect(shape.stages.map(({ id }) => id)).toEqual(['base/one', 'base/two', 'db/one']);
    expect(shape.observations.map(({ id }) => id)).toEqual(['x', 'y']);
  });

  it('refuses two resources of one name', () => {
    const hosts = { id: 'file:/etc/hosts', probe: () => sh``, parse: () => undefined, diff: () => [], apply: () => sh``, digest: () => '' };
    const having = (name: string): Role => role(name, { stages: () => [stage('one', { resources: [hosts] })] });
    expect(() => buildHostWork([having('base'), having('db')], contextOf(inventory, 'b'))).toThrow(
      'b: the stages base/one and db/one both have a resource file:/etc/hosts',
    );
  });

  it('takes one resource in two stages of which a host takes part by what is seen, if it wants the same in both', () => {
    const wanting = (text: string): Resource => ({
      id: 'file:/x',
      probe: () => sh``,
      parse: () => undefined,
      diff: () => [],
      apply: () => sh``,
      digest: () => text,
    });
    const chosen = (name: string, text: string): Role =>
      role(name, { stages: () => [stage('one', { resources: [wanting(text)], takesPart: () => true })] });
    expect(buildHostWork([chosen('base', 'a'), chosen('db', 'a')], contextOf(inventory, 'b')).stages).toHaveLength(2);
    expect(() => buildHostWork([chosen('base', 'a'), chosen('db', 'b')], contextOf(inventory, 'b'))).toThrow(
      'both have a resource file:/x',
    );
  });
});

describe('packages of several roles', () => {
  const installing = (name: string, what: string, more: Partial<Installation> = {}): Role =>
    role(name, { install: () => ({ what, packages: [name], ...more }), stages: () => [stage('start')] });
  const before = { id: 'before', probe: () => sh``, parse: () => undefined, diff: () => [], apply: () => sh``, digest: () => '' };

  it.each<{ title: string; roles: Role[]; stages: string[]; resources: string[][] }>([
    { title: 'none', roles: [role('base', { stages: () => [stage('one')] })], stages: ['base/one: do one'], resources: [[]] },
    {
      title: 'those of one role, before its own stages',
      roles: [role('base', { stages: () => [stage('one')] }), installing('db', 'DB 7')],
      stages: ['base/one: do one', 'db/packages: install DB 7', 'db/start: do start'],
      resources: [[], ['packages:db'], []],
    },
    {
      title: 'those of two roles, in the first one’s stage',
      roles: [installing('base', 'Base'), installing('db', 'DB 7', { before: [before] })],
      stages: ['base/packages: install Base and DB 7', 'base/start: do start', 'db/start: do start'],
      resources: [['before', 'packages:base'], [], []],
    },
    {
      title: 'not those of a role that the host does not have',
      roles: [installing('web', 'Web'), installing('db', 'DB 7')],
      stages: ['db/packages: install DB 7', 'db/start: do start'],
      resources: [['packages:db'], []],
    },
  ])('are collected: $title', ({ roles, stages, resources }) => {
    const shape = buildHostWork(roles, contextOf(inventory, 'b'));
    expect(shape.stages.map(({ id, stage: { title } }) => `${id}: ${title}`)).toEqual(stages);
    expect(shape.stages.map(({ stage: { resources: own } }) => own.map(({ id }) => id))).toEqual(resources);
  });

  it.each([
    { platform: debian13, manager: 'apt-get' },
    { platform: rocky9, manager: 'dnf' },
  ])('are installed in one transaction of $manager, each once', ({ platform, manager }) => {
    const roles = [
      installing('base', 'B', { packages: ['x', 'y'], disable: ['y'], lockTimeout: 7 }),
      installing('db', 'D', { packages: ['y', 'z'], disable: ['z'], lockTimeout: 9 }),
    ];
    const [
      {
        stage: {
          resources: [packages],
        },
      } = { stage: stage('none') },
    ] = buildHostWork(roles, contextOf(inventory, 'b', platform)).stages;
    expect(packages?.diff({}).map(({ summary }) => summary)).toEqual(['install x y z']);
    const { text = '' } = packages?.apply([], {}) ?? {};
    expect(text).toContain(`${manager} `);
    expect(text.match(/ install x y z$/gmu)).toHaveLength(1);
    expect(text).toContain('for unit in y z; do');
    expect(text).toContain('"$waited" -ge 9 ]');
  });
});

describe('joinHostWork', () => {
  const shape = (...ids: string[]): HostWork => ({
    observations: [],
    stages: ids.map((id) => ({ id, stage: stage(id.split('/')[1] ?? '') })),
  });
  const join = (shapes: Record<string, HostWork>): string[] =>
    joinHostWork(catalog, new Map(Object.entries(shapes))).map(({ id, hosts }) => `${id}: ${[...hosts.keys()].join(' ')}`);

  it.each<{ title: string; shapes: Record<string, HostWork>; stages: string[] }>([
    { title: 'no stages of no hosts', shapes: {}, stages: [] },
    {
      title: 'stages that are the same on all hosts',
      shapes: { b: shape('base/x', 'db/y'), c: shape('base/x', 'db/y') },
      stages: ['base/x: b c', 'db/y: b c'],
    },
    { title: 'roles in the catalog’s order', shapes: { c: shape('db/y'), a: shape('base/x') }, stages: ['base/x: a', 'db/y: c'] },
    {
      title: 'a last stage that one host has',
      shapes: { b: shape('db/x', 'db/last'), c: shape('db/x') },
      stages: ['db/x: b c', 'db/last: b'],
    },
  ])('keeps $title', ({ shapes, stages }) => expect(join(shapes)).toEqual(stages));

  it('keeps a stage that only a later host has, at its position there', () => {
    expect(join({ b: shape('db/install', 'db/start'), c: shape('db/install', 'db/initialise', 'db/start') })).toEqual([
      'db/install: b c',
      'db/initialise: c',
      'db/start: b c',
    ]);
  });

  it('lists what any of the hosts installs in a stage, in the catalog’s order', () => {
    const install = (...installs: [string, string][]): HostWork => ({
      observations: [],
      stages: [{ id: 'base/packages', stage: stage('packages'), installs: new Map(installs) }],
    });
    const [joined] = joinHostWork(
      catalog,
      new Map([
        ['b', install(['base', 'Base'], ['db', 'DB 7'])],
        ['a', install(['base', 'Base'], ['web', 'Web'])],
      ]),
    );
    expect(joined?.title).toBe('install Base, Web and DB 7');
  });

  it('keeps how a stage crosses the cluster', () => {
    const rolling = stage('start', { crossing: 'rolling', startsFirst: () => undefined });
    const [joined] = joinHostWork([role('db')], new Map([['b', { observations: [], stages: [{ id: 'db/start', stage: rolling }] }]]));
    expect(joined).toMatchObject({ id: 'db/start', role: 'db', title: 'do start', crossing: 'rolling', startsFirst: rolling.startsFirst });
  });

  it('tells stages who leads, even when the run leaves out the role that reports it', () => {
    const leadership = { leads: () => true, stays: () => undefined };
    const shapes = new Map([['b', { observations: [], stages: [{ id: 'db/start', stage: stage('start') }] }]]);
    expect(joinHostWork([role('db')], shapes, [role('db'), { ...role('ha'), leadership }])).toMatchObject([{ id: 'db/start', leadership }]);
    expect(joinHostWork([role('db')], shapes)[0]).not.toHaveProperty('leadership');
  });
});
