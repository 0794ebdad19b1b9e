import { createHash } from 'node:crypto';

/** What chooses a sample. */
export interface Choice<T> {
  /** True takes the whole list. */
  matrix: boolean;
  seed: number;
  /** Chooses otherwise than the same seed does elsewhere; default: nothing. */
  salt?: number | string;
  /** Items that are in every sample; they count. Default: none. */
  always?: (item: T) => boolean;
}

/**
 * The seed that the environment gives (`PGPROV_SEED`), by default the day in UTC as a number, YYYYMMDD.
 * @throws Error when `PGPROV_SEED` is no whole number of up to nine digits
 */
export function seedOf(env: NodeJS.ProcessEnv, now: Date): number {
  const given = env['PGPROV_SEED'] ?? '';
  if (given === '') return Number(now.toISOString().slice(0, 10).replaceAll('-', ''));
  if (!/^\d{1,9}$/u.test(given)) throw new Error(`PGPROV_SEED must be a whole number of up to nine digits, not ${JSON.stringify(given)}`);
  return Number(given);
}

/**
 * `count` items of a list in the list's order: those that are always in, and others that the seed chooses; more than `count` only where
 * more are always in.
 */
export function choose<T>(list: readonly T[], count: number, { matrix, seed, salt = '', always = () => false }: Choice<T>): T[] {
  if (matrix) return [...list];
  // The digest spreads seeds that differ by one, as those of two days do, over the whole list.
  const rank = (index: number): string => createHash('sha256').update(`${seed}/${salt}/${index}`).digest('hex');
  const forced = list.flatMap((item, index) => (always(item) ? [index] : []));
  const others = list
    .flatMap((item, index) => (always(item) ? [] : [{ index, rank: rank(index) }]))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const chosen = new Set([...forced, ...others.slice(0, Math.max(0, count - forced.length)).map(({ index }) => index)]);
  return list.filter((_, index) => chosen.has(index));
}

/** True where sweeps take everything instead of a sample (`PGPROV_MATRIX=1`, which `npm run test:matrix` sets). */
export const MATRIX = process.env['PGPROV_MATRIX'] === '1';

/** What samples and generated values come from; a failing test names it, and `PGPROV_SEED` gives it again. */
export const SEED = seedOf(process.env, new Date());

/** For titles of tests that take a sample: `seed 20260711`, or `everything, seed 20260711` in the matrix. */
export const DEPTH = MATRIX ? `everything, seed ${SEED}` : `seed ${SEED}`;

/**
 * All of a list in the matrix, otherwise `count` items of it, in the list's order.
 * @param salt for tests that go through the same list and are to take different samples
 * @param always items that are in every sample; they count
 */
export function sample<T>(list: readonly T[], count: number, salt: number | string = '', always: (item: T) => boolean = () => false): T[] {
  return choose(list, count, { matrix: MATRIX, seed: SEED, salt, always });
}

/** The part of a list that falls to number `at` of so many: all have as much, give or take one, and the seed says who has which. */
export function deal<T>(list: readonly T[], at: number, among: number, seed: number): T[] {
  return list.filter((_, index) => (index + seed) % among === at);
}

/**
 * What one of several (a shell of some) is to try of a list. In the matrix each tries all of it; otherwise a sample is dealt
 * out, so that no two try the same.
 */
export function sampleFor<T>(one: string, all: readonly string[], list: readonly T[], count: number, salt: number | string = ''): T[] {
  const chosen = sample(list, count, salt);
  return MATRIX ? chosen : deal(chosen, all.indexOf(one), all.length, SEED);
}

/** How often a property is tried: `some` times by default, `all` in the matrix; the values come from the seed. */
export function tries(some: number, all: number): { numRuns: number; seed: number } {
  return { numRuns: MATRIX ? all : some, seed: SEED };
}
