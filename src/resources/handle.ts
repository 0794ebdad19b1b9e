declare const SEEN: unique symbol;

/** Names what an observation or a resource sees of a host, and says of which type that is; these are handles themselves. */
export interface Handle<State> {
  /** `kind:name`, unique on a host. */
  readonly id: string;
  /** Never there; it ties the type to the name. */
  readonly [SEEN]?: State;
}

/** A handle by its id: `handle<boolean>('painted')`. Spread into the observation it holds that to the type. */
export function handle<State>(id: string): Handle<State> {
  return { id };
}

/** What was seen on a host, out of its states by id; undefined when it was not asked. */
export function stateOf<State>(states: ReadonlyMap<string, unknown> | undefined, { id }: Handle<State>): State | undefined {
  return states?.get(id) as State | undefined;
}
