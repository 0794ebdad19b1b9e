import { describe, expect, it } from 'vitest';
import { isLate, leftOut, MINUTES } from './budget.js';

describe('the time budget of a run', () => {
  it('ends before CI cancels the run, with time for one more file on a slow machine', () => {
    expect(MINUTES).toBeLessThanOrEqual(65);
  });

  it('keeps files from starting once it is over, and not before', () => {
    expect(isLate(0, 60 * 60_000, 60)).toBe(false);
    expect(isLate(0, 60 * 60_000 + 1, 60)).toBe(true);
    expect(isLate(0, 1e12, Number.POSITIVE_INFINITY)).toBe(false);
  });

  it('names the files that it left out, and how to run them', () => {
    expect(leftOut(['integration/says', 'integration/data'], 60)).toEqual([
      'Skipped, because the run was over 60 minutes old and this machine is slow (2 files with hosts): integration/data, integration/says.',
      '`npm test -- data` runs one of them; PGPROV_MINUTES=600 gives a run more time.',
    ]);
    expect(leftOut([])).toEqual([]);
  });
});
