import { appendFileSync } from 'node:fs';

/** What the time of a test file can go to besides the tests themselves; where two overlap, the earlier one of this list has it. */
export const SPENDINGS = ['images', 'packages', 'waiting'] as const;

/** One of `SPENDINGS`. */
export type Spending = (typeof SPENDINGS)[number];

/** One line of the file in which a run gathers them. */
export interface Spent {
  on: Spending;
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  /** Vitest's number of the worker, which processes that it starts inherit; empty for what runs beside the workers. */
  worker: string;
}

/**
 * Notes for the end of the run that the time from one moment to another, milliseconds since 1970, was spent on something; nothing outside
 * of a run.
 */
export function spent(on: Spending, from: number, to: number = Date.now()): void {
  const file = process.env['PGPROV_SPENT'] ?? '';
  if (file === '' || to <= from) return;
  const line: Spent = { on, from, to, worker: process.env['VITEST_POOL_ID'] ?? '' };
  // Short enough to be appended whole, whoever else writes at the same time.
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Does something and notes what it took. */
export async function spending<T>(on: Spending, work: () => Promise<T>): Promise<T> {
  const from = Date.now();
  try {
    return await work();
  } finally {
    spent(on, from);
  }
}
