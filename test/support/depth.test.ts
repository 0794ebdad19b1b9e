import { describe, expect, it } from 'vitest';
import { choose, deal, DEPTH, MATRIX, sample, sampleFor, SEED, seedOf } from './depth.js';

const LIST = Array.from({ length: 60 }, (_, index) => `item ${index}`);
const day = (at: string): Date => new Date(at);

describe('the seed', () => {
  it('is the day in UTC, from its first moment to its last', () => {
    expect(
      ['2026-07-11T00:00:00Z', '2026-07-11T23:59:59.999Z', '2026-07-12T00:00:00Z', '2027-01-01T00:30:00+02:00'].map((at) =>
        seedOf({}, day(at)),
      ),
    ).toEqual([20260711, 20260711, 20260712, 20261231]);
    expect(seedOf({ PGPROV_SEED: '' }, day('2026-07-11'))).toBe(20260711);
  });

  it('can be given', () => {
    expect(['7', '0', '20260711', '999999999'].map((seed) => seedOf({ PGPROV_SEED: seed }, day('2026-01-01')))).toEqual([
      7, 0, 20260711, 999999999,
    ]);
  });

  it.each(['x', '-1', '1.5', '1e3', ' 7', '0x10', '1234567890'])('cannot be %j', (seed) => {
    expect(() => seedOf({ PGPROV_SEED: seed }, day('2026-01-01'))).toThrow(
      `PGPROV_SEED must be a whole number of up to nine digits, not "${seed}"`,
    );
  });

  it('is named by titles', () => expect(DEPTH).toContain(`seed ${SEED}`));
});

describe('a sample', () => {
  const of = (seed: number, more: { salt?: number | string; always?: (item: string) => boolean } = {}, count = 6): string[] =>
    choose(LIST, count, { matrix: false, seed, ...more });

  it('has the requested number of items, each once, in the order of the list', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const chosen = of(seed);
      expect(chosen).toHaveLength(6);
      expect(chosen).toEqual(LIST.filter((item) => chosen.includes(item)));
    }
  });

  it('is the same for the same seed and salt, and different for others', () => {
    expect(of(20260711, { salt: 3 })).toEqual(of(20260711, { salt: 3 }));
    const others = [of(20260711), of(20260712), of(20260711, { salt: 1 }), of(20260711, { salt: 'kill' }), of(20260712, { salt: 1 })];
    expect(new Set(others.map((items) => items.join())).size).toBe(others.length);
  });

  it('includes every item now and then, and none much more often than the others', () => {
    const times = new Map(LIST.map((item) => [item, 0]));
    const days = 600;
    for (let at = 0; at < days; at += 1) for (const item of of(20260101 + at)) times.set(item, (times.get(item) ?? 0) + 1);
    const fair = (days * 6) / LIST.length;
    for (const [item, count] of times) {
      expect(count, item).toBeGreaterThan(fair / 3);
      expect(count, item).toBeLessThan(fair * 2);
    }
  });

  it('distinguishes equal items by their places', () => {
    expect(choose(['a', 'a', 'a', 'a'], 2, { matrix: false, seed: 1 })).toEqual(['a', 'a']);
  });

  it('includes what is always in, which counts', () => {
    const always = (item: string): boolean => ['item 0', 'item 30', 'item 59'].includes(item);
    for (let seed = 0; seed < 50; seed += 1) {
      const chosen = of(seed, { always });
      expect(chosen).toHaveLength(6);
      expect(chosen.filter(always)).toEqual(['item 0', 'item 30', 'item 59']);
      expect([chosen[0], chosen.at(-1)]).toEqual(['item 0', 'item 59']);
    }
    expect(new Set([1, 2, 3].map((seed) => of(seed, { always }).join())).size).toBe(3);
  });

  it('is larger when more is always in, and never larger than the list', () => {
    expect(of(1, { always: (item) => /^item \d$/u.test(item) })).toEqual(LIST.slice(0, 10));
    expect(of(1, {}, 100)).toEqual(LIST);
    expect(of(1, {}, 0)).toEqual([]);
    expect(choose([], 3, { matrix: false, seed: 1 })).toEqual([]);
  });

  it('is everything in the matrix, whatever the seed', () => {
    expect(choose(LIST, 2, { matrix: true, seed: 1, always: () => false })).toEqual(LIST);
  });

  it('is chosen by the environment', () => {
    const always = (item: string): boolean => item === 'item 5';
    expect(sample(LIST, 3, 'x', always)).toEqual(choose(LIST, 3, { matrix: MATRIX, seed: SEED, salt: 'x', always }));
    expect(sample(LIST, 3)).toEqual(choose(LIST, 3, { matrix: MATRIX, seed: SEED }));
  });
});

describe('a list', () => {
  const all = ['dash', 'bash'];

  it('is dealt out completely, in equal parts', () => {
    for (const seed of [20260711, 20260712]) {
      const parts = [0, 1, 2].map((at) => deal(LIST, at, 3, seed));
      expect(parts.map(({ length }) => length)).toEqual([20, 20, 20]);
      expect(new Set(parts.flat())).toEqual(new Set(LIST));
    }
    expect(deal(LIST, 0, 2, 1)).toEqual(deal(LIST, 1, 2, 2));
  });

  it('is dealt out completely to each within some months of daily seeds', () => {
    const seen = all.map(() => new Set<string>());
    for (let month = 1; month <= 6; month += 1) {
      for (let day = 1; day <= 28; day += 1) {
        const seed = 20260000 + month * 100 + day;
        seen.forEach((items, at) =>
          deal(choose(LIST, 12, { matrix: false, seed }), at, all.length, seed).forEach((item) => items.add(item)),
        );
      }
    }
    expect(seen.map(({ size }) => size)).toEqual([LIST.length, LIST.length]);
  });

  it('is dealt to one of several as a part of a sample, or completely in the matrix', () => {
    const parts = all.map((one) => sampleFor(one, all, LIST, 12, 'x'));
    if (MATRIX) expect(parts).toEqual([LIST, LIST]);
    else expect(LIST.filter((item) => parts.flat().includes(item))).toEqual(sample(LIST, 12, 'x'));
    expect(parts.flat()).toHaveLength(MATRIX ? 2 * LIST.length : 12);
  });
});
