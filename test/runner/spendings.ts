import { groupBy } from '../../src/lib/group-by.js';
import { readJsonLines } from '../support/lines.js';
import { SPENDINGS, type Spending, type Spent } from '../support/spent.js';

/** Milliseconds by what they went to. */
export type Sums = Record<Spending, number>;

/** The lines of the file that `spent` appends to. */
export function readSpent(text: string): Spent[] {
  return readJsonLines(text) as Spent[];
}

/** How long each thing took, summed over the workers: no moment of a worker counts twice, for one thing or for two. */
export function sumSpent(events: readonly Spent[]): Sums {
  const sums: Sums = { images: 0, packages: 0, waiting: 0 };
  for (const own of groupBy(events, ({ worker }) => worker).values()) {
    let before = 0;
    const counted: Spent[] = [];
    for (const on of SPENDINGS) {
      counted.push(...own.filter((event) => event.on === on));
      const covered = union(counted);
      sums[on] += covered - before;
      before = covered;
    }
  }
  return sums;
}

function union(events: readonly Spent[]): number {
  let [sum, reached] = [0, -Infinity];
  for (const { from, to } of [...events].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return sum;
}
