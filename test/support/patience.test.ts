import { expect, test, vi } from 'vitest';
import { MOST_PATIENT, patience, patienceFactor } from './patience.js';

test.each([
  { given: undefined, factor: 1 },
  { given: '', factor: 1 },
  { given: '1', factor: 1 },
  { given: '2.25', factor: 2.25 },
  { given: '60', factor: MOST_PATIENT },
])('PGPROV_PATIENCE $given is the factor $factor', ({ given, factor }) => {
  expect(patienceFactor(given === undefined ? {} : { PGPROV_PATIENCE: given })).toBe(factor);
});

test.each(['0', '0.5', '-3', 'NaN', 'slow'])('PGPROV_PATIENCE %s is refused', (given) => {
  expect(() => patienceFactor({ PGPROV_PATIENCE: given })).toThrow('PGPROV_PATIENCE must be a number from 1 to 8');
});

test('limits grow with the factor, to whole units', () => {
  vi.stubEnv('PGPROV_PATIENCE', '1.5');
  try {
    expect([patience(60_000), patience(3)]).toEqual([90_000, 5]);
  } finally {
    vi.unstubAllEnvs();
  }
});
