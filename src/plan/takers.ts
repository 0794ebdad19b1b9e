import type { Stage } from './role.js';
import type { RunStage } from './host-work.js';

type StatesOfHosts = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** The stage with those of its hosts alone that take part in it, as far as the hosts have answered. */
export function takingPart(stage: RunStage, states: StatesOfHosts): RunStage {
  if (states.size === 0) return stage;
  return { ...stage, hosts: new Map([...stage.hosts].filter(([, part]) => part.takesPart?.(states) !== false)) };
}

/** The hosts that carry out a stage, with their parts: all that take part in it, or the one that carries it out for the cluster. */
export function takersOf(stage: RunStage, states: StatesOfHosts, isExcluded: (host: string) => boolean = () => false): [string, Stage][] {
  const all = [...takingPart(stage, states).hosts];
  if (all.every(([, { byOne }]) => byOne === undefined)) return all;
  const candidates = all.filter(([host]) => !isExcluded(host));
  const able = candidates.find(([host, { byOne }]) => byOne?.(states.get(host) ?? new Map()) === true);
  const taker = able ?? candidates[0];
  return taker === undefined ? [] : [taker];
}
