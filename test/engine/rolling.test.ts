import { describe, expect, it } from 'vitest';
import { sortWaves, startsSomething, type Waves } from '../../src/engine/rolling.js';
import type { Session } from '../../src/engine/session.js';
import type { Stage } from '../../src/plan/role.js';
import type { RunStage } from '../../src/plan/shape.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni-member.js';
import type { Change, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const inventory = await inventoryOf(THREE.replace('cluster: demo', 'cluster: demo\nleader: pg2'));
const unit: Resource<Change[]> = { id: 'u', probe: () => sh``, parse: () => [], diff: (state) => state, apply: () => sh``, digest: () => '' };
const part: Stage = { name: 's', title: 's', crossing: 'rolling', resources: [unit as Resource] };

type Seen = { action?: Change['action']; leads?: boolean; absent?: boolean };

function scene(seen: Record<string, Seen>, leaderFirst = true): { stage: RunStage; sessions: Map<string, Session> } {
  const stage: RunStage = { id: 'r/s', role: 'r', title: 's', crossing: 'rolling', leaderFirst, hosts: new Map(Object.keys(seen).map((host) => [host, part])) };
  const sessions = new Map(
    Object.entries(seen)
      .filter(([, { absent }]) => absent !== true)
      .map(([name, { action, leads }]): [string, Session] => {
        const changes = action === undefined ? [] : [{ action, summary: action }];
        const states = new Map<string, unknown>([['u', changes]]);
        if (leads !== undefined) states.set(PATRONI_MEMBER, { answers: true, role: leads ? 'leader' : 'replica' });
        return [name, { host: { name }, states } as unknown as Session];
      }),
  );
  return { stage, sessions };
}

describe('sortWaves', () => {
  const start = { action: 'start' } as const;
  const restart = { action: 'restart' } as const;

  it.each<{ title: string; seen: Record<string, Seen>; leaderFirst?: boolean; waves: Waves }>([
    { title: 'a new cluster: the first leader first', seen: { pg1: start, pg2: start, pg3: start }, waves: { leader: ['pg2'], together: ['pg1', 'pg3'], oneByOne: [] } },
    { title: 'without a leader first', seen: { pg1: start, pg2: start }, leaderFirst: false, waves: { leader: [], together: ['pg1', 'pg2'], oneByOne: [] } },
    {
      title: 'restarts: the present leader last, whoever it is',
      seen: { pg1: { ...restart, leads: true }, pg2: { ...restart, leads: false }, pg3: { ...restart, leads: false } },
      waves: { leader: [], together: [], oneByOne: ['pg2', 'pg3', 'pg1'] },
    },
    {
      title: 'a start and restarts',
      seen: { pg1: { ...restart, leads: true }, pg2: start, pg3: { ...restart, leads: false } },
      waves: { leader: ['pg2'], together: [], oneByOne: ['pg3', 'pg1'] },
    },
    { title: 'nothing to do', seen: { pg1: {}, pg2: {}, pg3: {} }, waves: { leader: ['pg2'], together: ['pg1', 'pg3'], oneByOne: [] } },
    { title: 'a reload', seen: { pg1: { action: 'reload' } }, waves: { leader: [], together: ['pg1'], oneByOne: [] } },
    { title: 'a host that is not in the run', seen: { pg1: start, pg2: { absent: true } }, waves: { leader: [], together: ['pg1'], oneByOne: [] } },
    { title: 'members that do not answer', seen: { pg1: restart, pg3: restart }, waves: { leader: [], together: [], oneByOne: ['pg1', 'pg3'] } },
  ])('$title', ({ seen, leaderFirst, waves }) => {
    const { stage, sessions } = scene(seen, leaderFirst);
    expect(sortWaves(stage, sessions, inventory)).toEqual(waves);
  });

  it.each([{ seen: start, starts: true }, { seen: restart, starts: false }, { seen: {}, starts: false }])('$seen starts something: $starts', ({ seen, starts }) => {
    const { stage, sessions } = scene({ pg1: seen });
    expect(startsSomething(stage, sessions.get('pg1') as Session)).toBe(starts);
    expect(startsSomething({ ...stage, hosts: new Map() }, sessions.get('pg1') as Session)).toBe(false);
  });
});
