import { describe, expect, it } from 'vitest';
import type { RunStage } from '../../src/plan/host-work.js';
import type { Stage } from '../../src/plan/role.js';
import { takersOf, takingPart } from '../../src/plan/takers.js';

const part = (takesPart?: Stage['takesPart']): Stage => ({
  name: 'one',
  title: 'one',
  crossing: 'independent',
  resources: [],
  ...(takesPart && { takesPart }),
});
const stageOf = (hosts: Record<string, Stage>): RunStage => ({
  id: 'role/one',
  role: 'role',
  title: 'one',
  crossing: 'independent',
  hosts: new Map(Object.entries(hosts)),
});
const states = new Map([
  ['a', new Map([['is', 'made']])],
  ['b', new Map([['is', 'new']])],
]);

describe('the hosts that take part in a stage', () => {
  const stage = stageOf({
    a: part((seen) => seen.get('b')?.get('is') === 'made'),
    b: part((seen) => seen.get('a')?.get('is') === 'made'),
    c: part(),
  });

  it('are told by what all hosts answered', () => {
    expect([...takingPart(stage, states).hosts.keys()]).toEqual(['b', 'c']);
    expect(takersOf(stage, states).map(([host]) => host)).toEqual(['b', 'c']);
  });

  it('are all that have it before they have answered', () => {
    expect(takersOf(stage, new Map()).map(([host]) => host)).toEqual(['a', 'b', 'c']);
  });
});
