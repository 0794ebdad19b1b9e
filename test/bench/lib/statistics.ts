/** Least, middle and greatest of some numbers. */
export interface Summary {
  min: number;
  median: number;
  max: number;
}

/** The middle of some numbers, the mean of the two middle ones where their count is even; undefined of none. */
export function median(numbers: readonly number[]): number | undefined {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Least, middle and greatest; undefined of no numbers. */
export function summarize(numbers: readonly number[]): Summary | undefined {
  const middle = median(numbers);
  return middle === undefined ? undefined : { min: Math.min(...numbers), median: middle, max: Math.max(...numbers) };
}

/** The ratio of one to the other of every round that both have a number for. */
export function pairRatios(over: readonly (number | undefined)[], under: readonly (number | undefined)[]): number[] {
  return over.flatMap((value, round) => {
    const base = under[round];
    return value === undefined || base === undefined || base === 0 ? [] : [value / base];
  });
}

/** How much y grows with x, by least squares; undefined where x does not differ. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number | undefined {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return spread > 0 ? points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread : undefined;
}
