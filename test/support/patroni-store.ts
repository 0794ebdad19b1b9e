import type { Json, JsonObject } from '../../src/resources/dynamic-config.js';

type Stored = { [key: string]: Json };

/**
 * The dynamic configuration as Patroni keeps it. `PATCH /config` merges an object into an object and removes what is null; a value
 * whose text is the same is no change, and an object that comes where none was is stored as it is, nulls below it included.
 */
export class PatroniStore {
  config: Stored;

  /** @param first what `bootstrap.dcs` gives */
  constructor(first: JsonObject) {
    this.config = structuredClone(first) as Stored;
  }

  patch(patch: JsonObject): void {
    merge(this.config, patch);
  }
}

function merge(config: Stored, patch: JsonObject): void {
  for (const [key, value] of Object.entries(patch)) {
    const present = config[key];
    if (value === null) delete config[key];
    else if (isObject(value) && isObject(present)) merge(present, value);
    else if (present === undefined || isObject(value) || pythonText(present) !== pythonText(value))
      config[key] = structuredClone(value) as Json;
  }
}

function isObject(value: Json | undefined): value is Stored {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Python's `str`, as far as it tells values apart. */
function pythonText(value: Json): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
