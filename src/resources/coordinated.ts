import type { Resource } from './resource.js';

/**
 * The same resource; in a rolling stage its changes are made on all hosts at once, because they belong to a change of the whole cluster.
 */
export function coordinated<State>(resource: Resource<State>): Resource<State> {
  return { ...resource, diff: (state, states) => resource.diff(state, states).map((change) => ({ coordinated: 'parallel', ...change })) };
}

/** The same resource where no other host takes part in its change. */
export function uncoordinated<State>({ gives: _, ...resource }: Resource<State>): Resource<State> {
  return { ...resource, diff: (state, states) => resource.diff(state, states).map(({ coordinated: __, ...change }) => change) };
}
