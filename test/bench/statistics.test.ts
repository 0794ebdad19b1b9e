import { describe, expect, it } from 'vitest';
import { median, pairRatios, slope, summarize } from './lib/statistics.js';

describe('median', () => {
  it.each([
    { numbers: [], middle: undefined },
    { numbers: [3], middle: 3 },
    { numbers: [10, 1, 2], middle: 2 },
    { numbers: [4, 1, 10, 2], middle: 3 },
  ])('of $numbers is $middle', ({ numbers, middle }) => {
    expect(median(numbers)).toBe(middle);
  });

  it('leaves the order of the numbers alone', () => {
    const numbers = [3, 1, 2];
    median(numbers);
    expect(numbers).toEqual([3, 1, 2]);
  });
});

describe('summarize', () => {
  it('gives the minimum, median and maximum', () => {
    expect(summarize([5, 1, 3])).toEqual({ min: 1, median: 3, max: 5 });
  });

  it('gives nothing for an empty list', () => {
    expect(summarize([])).toBeUndefined();
  });
});

describe('pairRatios', () => {
  it('divides round by round and leaves out rounds in which one failed', () => {
    expect(pairRatios([10, 20, undefined, 8], [5, undefined, 4, 2])).toEqual([2, 4]);
  });
});

describe('slope', () => {
  it('is exact for points on a line', () => {
    expect(
      slope([
        [0, 1],
        [0.025, 1.2],
        [0.05, 1.4],
        [0.1, 1.8],
      ]),
    ).toBeCloseTo(8, 9);
  });

  it('lies between the slopes of neighbouring points when the points are not on a line', () => {
    expect(
      slope([
        [0, 0],
        [1, 2],
        [2, 2],
      ]),
    ).toBeCloseTo(1, 9);
  });

  it.each([
    { points: [] as [number, number][] },
    {
      points: [
        [1, 2],
        [1, 3],
      ] as [number, number][],
    },
  ])('is unknown for $points', ({ points }) => {
    expect(slope(points)).toBeUndefined();
  });
});
