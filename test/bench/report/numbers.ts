/** Seconds for people: three figures, and milliseconds below one tenth. */
export function seconds(value: number): string {
  return value < 0.1 ? `${(value * 1000).toPrecision(value < 0.01 ? 2 : 3)} ms` : `${figures(value)} s`;
}

/** A number with three figures and no exponent. */
export function figures(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A ratio for people. */
export function times(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} times`;
}
