import type { Stage } from './role.js';
import type { RunStage } from './host-work.js';

/** The hosts that take part in a stage, with their parts: all that have it, or the one that carries it out for the cluster. */
export function takersOf(
  stage: RunStage,
  states: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
  isExcluded: (host: string) => boolean = () => false,
): [string, Stage][] {
  const all = [...stage.hosts];
  if (all.every(([, { byOne }]) => byOne === undefined)) return all;
  const candidates = all.filter(([host]) => !isExcluded(host));
  const able = candidates.find(([host, { byOne }]) => byOne?.(states.get(host) ?? new Map()) === true);
  const taker = able ?? candidates[0];
  return taker === undefined ? [] : [taker];
}
