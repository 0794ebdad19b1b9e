import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { buildPlan, interrupts, stepWork } from '../../src/plan/plan.js';
import type { Stage } from '../../src/plan/role.js';
import type { RunStage } from '../../src/plan/host-work.js';
import type { Change, Gate, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';

/** A resource whose state is the changes it finds. */
const resource = (id: string): Resource<Change[]> => ({
  id,
  probe: () => sh``,
  parse: () => [],
  diff: (state) => state,
  apply: () => sh``,
  digest: () => id,
});
const gate = (id: string): Gate => ({ id, title: id, probe: () => sh``, parse: () => ({ open: true, seen: '' }), wait: () => sh`` });
const stage = (resources: string[], gates: string[] = []): Stage => ({
  name: 's',
  title: 's',
  crossing: 'independent',
  resources: resources.map(resource) as Resource[],
  gates: gates.map(gate),
});
const change = (action: Change['action'], summary: string, rest: Partial<Change> = {}): Change => ({ action, summary, ...rest });
const open = { open: true, seen: '' };

describe('stepWork', () => {
  const start = change('start', 'start it');

  it.each<{ title: string; states: [string, unknown][]; changes: string[]; waits: boolean }>([
    {
      title: 'nothing to do',
      states: [
        ['a', []],
        ['b', []],
        ['g', open],
      ],
      changes: [],
      waits: false,
    },
    {
      title: 'a closed gate',
      states: [
        ['a', []],
        ['b', []],
        ['g', { open: false, seen: '' }],
      ],
      changes: [],
      waits: true,
    },
    {
      title: 'a change, after which the gate may close',
      states: [
        ['a', []],
        ['b', [start]],
        ['g', open],
      ],
      changes: ['b'],
      waits: true,
    },
    {
      title: 'several changes and a closed gate',
      states: [
        ['a', [start]],
        ['b', [start]],
        ['g', { open: false, seen: '' }],
      ],
      changes: ['a', 'b'],
      waits: true,
    },
  ])('lists what to do: $title', ({ states, changes, waits }) => {
    const work = stepWork(stage(['a', 'b'], ['g']), new Map(states));
    expect(work.changes.map(({ resource: { id } }) => id)).toEqual(changes);
    expect(work.waits).toBe(waits);
  });

  it('does not wait without a gate', () => expect(stepWork(stage(['a']), new Map([['a', [start]]])).waits).toBe(false));

  it.each<{ action: Change['action']; result: boolean }>([
    { action: 'restart', result: true },
    { action: 'start', result: false },
    { action: 'reload', result: false },
    { action: 'update', result: false },
  ])('$action interrupts the service: $result', ({ action, result }) => {
    expect(interrupts(stepWork(stage(['a']), new Map([['a', [start, change(action, 'x')]]])))).toBe(result);
  });
});

describe('buildPlan', () => {
  const run = (id: string, hosts: Record<string, Stage>): RunStage => ({
    id,
    role: 'r',
    title: id,
    crossing: 'independent',
    hosts: new Map(Object.entries(hosts)),
  });

  it('lists all changes, stage by stage, host by host', () => {
    const stages = [run('r/one', { pg1: stage(['a']), pg2: stage(['a']) }), run('r/two', { pg1: stage(['b']) })];
    const states = new Map([
      [
        'pg1',
        new Map<string, unknown>([
          ['a', [change('update', 'x', { before: 'o', after: 'n' })]],
          ['b', [change('start', 'y'), change('enable', 'z')]],
        ]),
      ],
      ['pg2', new Map<string, unknown>([['a', [change('create', 'w')]]])],
    ]);
    expect(buildPlan(stages, states)).toEqual([
      { host: 'pg1', stage: 'r/one', resource: 'a', action: 'update', summary: 'x', projected: false, before: 'o', after: 'n' },
      { host: 'pg2', stage: 'r/one', resource: 'a', action: 'create', summary: 'w', projected: false },
      { host: 'pg1', stage: 'r/two', resource: 'b', action: 'start', summary: 'y', projected: false },
      { host: 'pg1', stage: 'r/two', resource: 'b', action: 'enable', summary: 'z', projected: false },
    ]);
  });

  it('says what depends on packages that are not installed yet, host by host', () => {
    const stages = [run('r/one', { pg1: stage(['a', 'b']), pg2: stage(['b']) }), run('r/two', { pg1: stage(['c']), pg2: stage(['c']) })];
    const states = new Map([
      [
        'pg1',
        new Map<string, unknown>([
          ['a', [change('install', 'a')]],
          ['b', [change('create', 'b')]],
          ['c', [change('start', 'c')]],
        ]),
      ],
      [
        'pg2',
        new Map<string, unknown>([
          ['b', []],
          ['c', [change('start', 'c')]],
        ]),
      ],
    ]);
    expect(buildPlan(stages, states).map(({ host, summary, projected }) => `${host} ${summary} ${projected}`)).toEqual([
      'pg1 a false',
      'pg1 b true',
      'pg1 c true',
      'pg2 c false',
    ]);
  });

  it('hides secrets in its texts', () => {
    new Secret('a well kept secret');
    const states = new Map([
      ['pg1', new Map<string, unknown>([['a', [change('update', 'x', { before: 'password: old', after: 'key a well kept secret' })]]])],
    ]);
    expect(buildPlan([run('r/one', { pg1: stage(['a']) })], states)).toMatchObject([{ before: 'password: ***', after: 'key ***' }]);
  });
});
