import type { Inventory } from '../model/index.js';
import { DATA_DIRECTORY, type ClusterData, type DataDirectoryState } from '../resources/data-directory.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../resources/patroni-member.js';
import { furthest, type HostData } from './furthest.js';
import { leaderInStore } from './leader.js';
import { interrupts, isShut, stepWork, type States } from './plan.js';
import type { Stage, UnitMove } from './role.js';
import type { RunStage } from './shape.js';

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
  const rank = (host: string): number => {
    if (leads(states.get(host))) return 2;
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

/** A host without which none of the others may be started, and what it is, as a clause. */
export interface First {
  host: string;
  what: 'the first leader' | 'which has the last commits';
}

/**
 * The host that a stage with `leaderFirst` starts before the others: of a new cluster the inventory's leader; of one that is
 * down the one with the last commits, whoever that is. Undefined where somebody leads, and where nobody can be told to be the
 * furthest, which the guards refuse.
 */
export function startsFirst(stage: RunStage, states: ReadonlyMap<string, States>, inventory: Inventory): First | undefined {
  const seen = [...states].filter(([host]) => stage.hosts.has(host));
  const led = leaderInStore([...states.keys()], (host, id) => states.get(host)?.get(id) as never);
  if (!stage.leaderFirst || led !== undefined || seen.some(([, each]) => leads(each))) return undefined;
  const members = seen.flatMap(([host, each]): HostData[] => {
    const data = each.get(DATA_DIRECTORY) as DataDirectoryState | undefined;
    return data?.kind === 'cluster' && holdsDatabase(data) ? [{ host, data }] : [];
  });
  if (members.length === 0) return { host: inventory.leader, what: 'the first leader' };
  const found = furthest(members.filter(({ data }) => !data.running));
  return found?.kind === 'known' ? { host: found.host, what: 'which has the last commits' } : undefined;
}

/** True when a data directory holds a database, and not what is left of a copy or an initdb that was broken off. */
export function holdsDatabase({ control, copy }: ClusterData): boolean {
  return control === 'valid' && copy === 'none';
}

/** True when the host's Patroni says that it leads. */
export function leads(states: States | undefined): boolean {
  const member = states?.get(PATRONI_MEMBER) as PatroniMemberState | undefined;
  return member?.answers === true && member.role === 'leader';
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
