import type { Resource } from './resource.js';

/** The same resource; in a rolling stage its changes are made on all hosts at once, for they belong to a change of the whole cluster. */
export function inConcert<State>(resource: Resource<State>): Resource<State> {
  return { ...resource, diff: (state) => resource.diff(state).map((change) => ({ concerted: 'joins', ...change })) };
}
