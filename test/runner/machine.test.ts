import { expect, test } from 'vitest';
import { factorOf, measureMachine } from './machine.js';

const REFERENCE = { processor: 100, processes: 50, files: 20 };

test.each([
  { title: 'as quick', times: REFERENCE, factor: 1 },
  { title: 'quicker', times: { processor: 10, processes: 5, files: 2 }, factor: 1 },
  { title: 'slow in one part', times: { processor: 100, processes: 50, files: 51 }, factor: 2.6 },
  { title: 'slow in two parts', times: { processor: 310, processes: 100, files: 20 }, factor: 3.1 },
  { title: 'stuck', times: { processor: 100, processes: 5_000, files: 20 }, factor: 8 },
])('a machine that is $title has the factor $factor', ({ times, factor }) => {
  expect(factorOf(times, REFERENCE)).toBe(factor);
});

test('each part is measured', () => {
  const times = measureMachine(1);
  expect(Object.keys(times).sort()).toEqual(Object.keys(REFERENCE).sort());
  expect(Object.values(times).every((ms) => Number.isFinite(ms) && ms > 0)).toBe(true);
});
