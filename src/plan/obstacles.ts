import { enumerate } from '../lib/enumerate.js';
import { groupBy } from '../lib/group-by.js';
import type { Obstacle } from '../resources/resource.js';
import { stepWork, type States } from './plan.js';
import type { Objection } from './role.js';
import type { RunStage } from './host-work.js';
import { takersOf } from './takers.js';

/**
 * Why changes of a run cannot be made, as far as the hosts tell before the first of them; hosts with the same obstacle share an objection.
 */
export function obstaclesOf(stages: readonly RunStage[], states: ReadonlyMap<string, States>): Objection[] {
  const found = stages.flatMap((stage) =>
    takersOf(stage, states).flatMap(([host, part]) => {
      const seen = states.get(host) ?? new Map<string, unknown>();
      return stepWork(part, seen).changes.flatMap(({ resource, state }) => {
        const obstacle = resource.obstacle?.(state, seen);
        return obstacle === undefined ? [] : [{ host, ...obstacle }];
      });
    }),
  );
  return [...groupBy(found, ({ what, advice }) => `${what} ${advice}`).values()].map(objection);
}

function objection(alike: readonly [Obstacle & { host: string }, ...(Obstacle & { host: string })[]]): Objection {
  const [{ what, advice }] = alike;
  const hosts = [...new Set(alike.map(({ host }) => host))];
  return {
    kind: 'refuse',
    about: 'obstacle',
    ...(hosts.length === 1 ? { host: hosts[0] } : {}),
    message: `${enumerate(hosts)}: ${what}`,
    hint: advice,
  };
}
