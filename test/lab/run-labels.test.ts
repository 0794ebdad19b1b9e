import { expect, test, vi } from 'vitest';
import { isOver, RUN_LABEL, RUN_VARIABLE, runLabels, thisRun } from './run-labels.js';

test('a run is over when its process is gone, and a run of another checkout never counts as over', () => {
  const [owner = '', checkout = ''] = thisRun().split('@');
  expect(isOver(thisRun())).toBe(false);
  expect(isOver(`${owner}0@${checkout}`)).toBe(true);
  expect(isOver(`${owner}0@elsewhere`)).toBe(false);
  expect(isOver('')).toBe(false);
});

test('what a test run makes has its label, and other things have none, whatever their image has', () => {
  try {
    vi.stubEnv(RUN_VARIABLE, '');
    expect(runLabels()).toEqual({ [RUN_LABEL]: '' });
    vi.stubEnv(RUN_VARIABLE, thisRun());
    expect(runLabels()).toEqual({ [RUN_LABEL]: thisRun() });
  } finally {
    vi.unstubAllEnvs();
  }
});
