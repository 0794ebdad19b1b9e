import { describe, expect, it } from 'vitest';
import { firstMember, patroniLeadership } from '../../roles/shared/patroni/leadership.js';
import type { Stage } from '../../src/plan/role.js';
import type { States } from '../../src/plan/plan.js';
import type { RunStage } from '../../src/plan/host-work.js';
import { sortWaves, startsSomething, type Waves } from '../../src/plan/waves.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import type { Change, Gate, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const inventory = await inventoryOf(THREE.replace('cluster: demo', 'cluster: demo\nleader: pg2'));
const unit: Resource<Change[]> = {
  id: 'u',
  probe: () => sh``,
  parse: () => [],
  diff: (state) => state,
  apply: () => sh``,
  digest: () => '',
};
const gate: Gate = { id: 'g', title: 'g', probe: () => sh``, parse: () => ({ open: true, seen: '' }), wait: () => sh`` };
const part: Stage = { name: 's', title: 's', crossing: 'rolling', resources: [unit as Resource], gates: [gate] };

type Seen = { action?: Change['action']; and?: Change['action']; leads?: boolean; absent?: boolean; shut?: boolean };

function scene(seen: Record<string, Seen>, leaderFirst = true): { stage: RunStage; states: Map<string, States> } {
  const stage: RunStage = {
    id: 'r/s',
    role: 'r',
    title: 's',
    crossing: 'rolling',
    ...(leaderFirst ? { startsFirst: firstMember } : {}),
    leadership: patroniLeadership,
    hosts: new Map(Object.keys(seen).map((host) => [host, part])),
  };
  const statesOf = new Map(
    Object.entries(seen)
      .filter(([, { absent }]) => absent !== true)
      .map(([name, { action, and, leads, shut = false }]): [string, States] => {
        const changes = [action, and].flatMap((each) => (each === undefined ? [] : [{ action: each, summary: each }]));
        const states = new Map<string, unknown>([
          ['u', changes],
          ['g', { open: !shut, seen: '' }],
        ]);
        if (leads !== undefined) states.set(PATRONI_MEMBER.id, { answers: true, role: leads ? 'leader' : 'replica' });
        return [name, states];
      }),
  );
  return { stage, states: statesOf };
}

describe('sortWaves', () => {
  const start = { action: 'start' } as const;
  const restart = { action: 'restart' } as const;

  it.each<{ title: string; seen: Record<string, Seen>; leaderFirst?: boolean; waves: Waves }>([
    {
      title: 'a new cluster: the first leader first',
      seen: { pg1: start, pg2: start, pg3: start },
      waves: { leader: ['pg2'], together: ['pg1', 'pg3'], oneByOne: [] },
    },
    {
      title: 'without a leader first',
      seen: { pg1: start, pg2: start },
      leaderFirst: false,
      waves: { leader: [], together: ['pg1', 'pg2'], oneByOne: [] },
    },
    {
      title: 'restarts: the present leader last, whoever it is',
      seen: { pg1: { ...restart, leads: true }, pg2: { ...restart, leads: false }, pg3: { ...restart, leads: false } },
      waves: { leader: [], together: [], oneByOne: ['pg2', 'pg3', 'pg1'] },
    },
    {
      title: 'a start and restarts while a member leads',
      seen: { pg1: { ...restart, leads: true }, pg2: start, pg3: { ...restart, leads: false } },
      waves: { leader: [], together: ['pg2'], oneByOne: ['pg3', 'pg1'] },
    },
    { title: 'nothing to do', seen: { pg1: {}, pg2: {}, pg3: {} }, waves: { leader: [], together: ['pg1', 'pg2', 'pg3'], oneByOne: [] } },
    { title: 'a reload', seen: { pg1: { action: 'reload' } }, waves: { leader: [], together: ['pg1'], oneByOne: [] } },
    {
      title: 'a host that is not in the run',
      seen: { pg1: start, pg2: { absent: true } },
      waves: { leader: [], together: ['pg1'], oneByOne: [] },
    },
    {
      title: 'changed files of a running service',
      seen: { pg1: { action: 'update', leads: true }, pg2: {}, pg3: { action: 'update' } },
      waves: { leader: [], together: ['pg2'], oneByOne: ['pg3', 'pg1'] },
    },
    {
      title: 'changed files of a stopped service',
      seen: { pg1: { action: 'update', and: 'start' }, pg3: { action: 'update', and: 'start' } },
      waves: { leader: [], together: ['pg1', 'pg3'], oneByOne: [] },
    },
    {
      title: 'new files',
      seen: { pg1: { action: 'create' }, pg3: { action: 'create' } },
      waves: { leader: [], together: ['pg1', 'pg3'], oneByOne: [] },
    },
    {
      title: 'broken members first, the leader last',
      seen: { pg1: { ...restart, leads: true, shut: true }, pg2: { action: 'update' }, pg3: { action: 'update', shut: true } },
      waves: { leader: [], together: [], oneByOne: ['pg3', 'pg2', 'pg1'] },
    },
    {
      title: 'members that do not answer',
      seen: { pg1: restart, pg3: restart },
      waves: { leader: [], together: [], oneByOne: ['pg1', 'pg3'] },
    },
  ])('orders hosts: $title', ({ seen, leaderFirst, waves }) => {
    const { stage, states } = scene(seen, leaderFirst);
    expect(sortWaves(stage, states, inventory)).toEqual(waves);
  });

  it.each([
    { seen: start, starts: true },
    { seen: restart, starts: false },
    { seen: {}, starts: false },
  ])('$seen starts a unit: $starts', ({ seen, starts }) => {
    const { stage, states } = scene({ pg1: seen });
    expect(startsSomething(stage, 'pg1', states.get('pg1') as States)).toBe(starts);
    expect(startsSomething({ ...stage, hosts: new Map() }, 'pg1', states.get('pg1') as States)).toBe(false);
  });
});
