import { describe, expect, it } from 'vitest';
import { HOST_SHELLS } from '../support/shells.js';
import { dealt } from './support/dealt.js';
import { PLACES } from './support/places.js';

const NAMES = PLACES.map(({ name }, salt) => `${name} ${salt}`);
const inAll = (seed: number, matrix = false): string[][] => HOST_SHELLS.map((shell) => dealt(shell, NAMES, 12, 'test', { matrix, seed }));

describe('places of an inventory', () => {
  it('are dealt out to the shells, as many to each', () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const parts = inAll(seed);
      expect(parts.map(({ length }) => length)).toEqual([6, 6]);
      expect(new Set(parts.flat()).size).toBe(12);
    }
  });

  it('all come to every shell in the matrix', () => expect(inAll(1, true)).toEqual([NAMES, NAMES]));

  it('all come to every shell within some months of daily seeds', () => {
    const seen = HOST_SHELLS.map(() => new Set<string>());
    for (let month = 1; month <= 6; month += 1) {
      for (let day = 1; day <= 28; day += 1) inAll(20260000 + month * 100 + day).forEach((part, at) => part.forEach((name) => seen[at]?.add(name)));
    }
    expect(seen.map(({ size }) => size)).toEqual([NAMES.length, NAMES.length]);
  });
});
