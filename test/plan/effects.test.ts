import { describe, expect, it } from 'vitest';
import { firstMember, patroniLeadership } from '../../roles/shared/patroni/leadership.js';
import { effectsOf } from '../../src/plan/effects.js';
import type { States } from '../../src/plan/plan.js';
import type { Stage } from '../../src/plan/role.js';
import type { RunStage } from '../../src/plan/host-work.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import type { Action, Change, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const inventory = await inventoryOf(THREE);

function stageOf(unit: string, leaderFirst: boolean): RunStage {
  const service: Resource<Change[]> = {
    id: `service:${unit}`,
    probe: () => sh``,
    parse: () => [],
    diff: (state) => state ?? [],
    apply: () => sh``,
    digest: () => '',
  };
  const part: Stage = { name: 'start', title: 's', crossing: 'rolling', resources: [service as Resource] };
  return {
    id: `${unit}/start`,
    role: unit,
    title: 's',
    crossing: 'rolling',
    ...(leaderFirst ? { startsFirst: firstMember } : {}),
    leadership: patroniLeadership,
    hosts: new Map(['pg1', 'pg2', 'pg3'].map((host) => [host, part])),
  };
}

const stages = [stageOf('etcd', false), stageOf('patroni', true)];

/** States in which units of hosts have something done to them. */
function seen(actions: Record<string, Partial<Record<'etcd' | 'patroni', Action>>>, leader?: string): Map<string, States> {
  return new Map(
    ['pg1', 'pg2', 'pg3'].map((host): [string, States] => [
      host,
      new Map<string, unknown>([
        ...Object.entries(actions[host] ?? {}).map(([unit, action]): [string, Change[]] => [
          `service:${unit}`,
          [{ action, summary: action }],
        ]),
        ...(leader === undefined
          ? []
          : [[PATRONI_MEMBER.id, { answers: true, role: host === leader ? 'leader' : 'replica' }] as [string, unknown]]),
      ]),
    ]),
  );
}

const data = (lastRecord: string): ClusterData => ({
  kind: 'cluster',
  version: '17',
  systemIdentifier: '7',
  checksums: 1,
  clusterState: 'shut down in recovery',
  copy: 'none',
  ours: false,
  control: 'valid',
  running: false,
  position: { timeline: 1, checkpoint: '0/1', nextOid: 20_000, lastRecord },
  history: undefined,
  misowned: undefined,
});

describe('effects', () => {
  const every = (actions: Partial<Record<'etcd' | 'patroni', Action>>): Record<string, typeof actions> => ({
    pg1: actions,
    pg2: actions,
    pg3: actions,
  });

  it.each<{ title: string; states: Map<string, States>; sentences: string[] }>([
    {
      title: 'of a new cluster',
      states: seen(every({ etcd: 'start', patroni: 'start' })),
      sentences: ['etcd starts on pg1, pg2 and pg3', 'patroni starts on pg1, then on pg2 and pg3'],
    },
    {
      title: 'of the start of a cluster that is down: the member with the last commits first',
      states: new Map(
        [...seen(every({ patroni: 'start' }))].map(([host, states]) => [
          host,
          new Map([...states, [DATA_DIRECTORY.id, data(host === 'pg3' ? '0/9' : '0/8')]]),
        ]),
      ),
      sentences: ['patroni starts on pg3, which has the last commits, then on pg1 and pg2'],
    },
    {
      title: 'of a restart everywhere: the leader last',
      states: seen(every({ etcd: 'restart' }), 'pg1'),
      sentences: [
        'etcd restarts on pg2, then pg3, then pg1 (the leader), one at a time',
        'PostgreSQL keeps running on every member, and pg1 stays the leader',
      ],
    },
    {
      title: 'of a restart of one member',
      states: seen({ pg3: { etcd: 'restart' } }, 'pg2'),
      sentences: ['etcd restarts on pg3', 'PostgreSQL keeps running on every member, and pg2 stays the leader'],
    },
    {
      title: 'of a reload',
      states: seen(every({ patroni: 'reload' }), 'pg2'),
      sentences: [
        'patroni reloads on pg1, pg2 and pg3, without a restart',
        'PostgreSQL keeps running on every member, and pg2 stays the leader',
      ],
    },
    {
      title: 'of a restart of a unit that PostgreSQL depends on',
      states: seen({ pg2: { patroni: 'restart' } }, 'pg1'),
      sentences: ['patroni restarts on pg2'],
    },
    { title: 'of nothing, without a leader', states: seen({}), sentences: [] },
  ])('are those $title', ({ states, sentences }) => expect(effectsOf(stages, states, inventory)).toEqual(sentences));
});
