import type { Inventory } from '../model/index.js';
import { interrupts, isShut, stepWork, type States } from './plan.js';
import type { First, Stage, UnitMove } from './role.js';
import type { RunStage } from './host-work.js';
import { View } from './view.js';

/** In which order the hosts of a rolling stage go; hosts of one wave go side by side. */
export interface Waves {
  /** The host that has to be started before the others (see `startsFirst`). */
  leader: string[];
  /** Hosts where nothing that runs is interrupted. */
  together: string[];
  /** One at a time, those that do not work first, the present leader last. */
  oneByOne: string[];
}

/** Sorts a rolling stage's hosts by what their steps would do to what runs now; hosts without states are left out. */
export function sortWaves(stage: RunStage, states: ReadonlyMap<string, States>, inventory: Inventory): Waves {
  const interrupting: string[] = [];
  const gentle: string[] = [];
  for (const [host, part] of stage.hosts) {
    const seen = states.get(host);
    if (seen === undefined) continue;
    (interrupts(stepWork(part, seen)) ? interrupting : gentle).push(host);
  }
  const view = new View(inventory, states);
  const rank = (host: string): number => {
    if (stage.leadership?.leads(view, host) === true) return 2;
    return isShut(stage.hosts.get(host) as Stage, states.get(host) ?? new Map()) ? 0 : 1;
  };
  const awaited = startsFirst(stage, states, inventory)?.host;
  const first = gentle.filter((host) => host === awaited && startsSomething(stage, host, states.get(host) as States));
  return {
    leader: first,
    together: gentle.filter((host) => !first.includes(host)),
    oneByOne: interrupting.sort((a, b) => rank(a) - rank(b)),
  };
}

/** The host that has to be started before the others of the stage, as its role says; undefined: none has to. */
export function startsFirst(stage: RunStage, states: ReadonlyMap<string, States>, inventory: Inventory): First | undefined {
  return stage.startsFirst?.(new View(inventory, states), {
    hosts: [...states.keys()].filter((host) => stage.hosts.has(host)),
    starts: (host) => startsSomething(stage, host, states.get(host) ?? new Map()),
  });
}

/** True when the host's step would start something that is down. */
export function startsSomething(stage: RunStage, host: string, states: States): boolean {
  return moves(stage, host, states, 'start');
}

/** What the host's step would do to a unit. */
export function moveOf(stage: RunStage, host: string, states: States): UnitMove['action'] | undefined {
  return (['restart', 'start'] as const).find((action) => moves(stage, host, states, action));
}

function moves(stage: RunStage, host: string, states: States, action: UnitMove['action']): boolean {
  const part = stage.hosts.get(host);
  if (part === undefined) return false;
  return stepWork(part, states).changes.some(({ changes }) => changes.some((change) => change.action === action));
}
