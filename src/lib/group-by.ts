/** Values by their key, in the order in which the keys came; a group has at least one. */
export function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Map<string, [Value, ...Value[]]> {
  const groups = new Map<string, [Value, ...Value[]]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
