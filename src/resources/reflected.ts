import type { Change } from './resource.js';

/** What a unit reflects: anything with a digest of its desired state, and a resource of its host that may differ from it. */
export interface Reflected {
  digest(): string;
  readonly id?: string;
  diff?(state: unknown): Change[];
}

/**
 * Whether the run is about to write any of these: the unit took up what stands there now.
 * @param states what was seen of the host's resources, by their ids
 */
export function isToChange(inputs: readonly Reflected[], states: ReadonlyMap<string, unknown> | undefined): boolean {
  return inputs.some((input) => {
    const state = input.id === undefined ? undefined : states?.get(input.id);
    return state !== undefined && (input.diff?.(state).length ?? 0) > 0;
  });
}
