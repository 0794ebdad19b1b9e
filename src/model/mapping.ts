/** A YAML mapping as plain data. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Way from the top of a file to a value: keys and 0-based list indexes. */
export type Path = readonly (string | number)[];

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own value of a key; never one that every object inherits, such as `constructor`. */
export function own(mapping: Mapping, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

/** The value with every key whose value is null left out, at any depth of mappings; lists stay as they are. */
export function withoutNulls(value: unknown): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(withoutOwnNulls(value)).map(([key, child]) => [key, withoutNulls(child)]));
}

/** The mapping without the keys of its own whose value is null. */
export function withoutOwnNulls(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([, child]) => child !== null));
}

/** The strings of a list, or nothing when it is not a list. */
export function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** `hosts.pg1.roles[0]`; a key that would be unclear is quoted. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const key = /^[\w.:<>*/@-]+$/u.test(step) ? step : JSON.stringify(step);
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}

/** Freezes plain data to its last leaf and returns it. */
export function deepFreeze<T>(value: T): T {
  if (Array.isArray(value) || (isMapping(value) && Object.getPrototypeOf(value) === Object.prototype)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
