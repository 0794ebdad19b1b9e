import { describe, expect, it } from 'vitest';
import { historyRun } from '../../../src/cli/history/history.js';
import { OPERATIONS, STEP_ENDINGS } from '../../../src/operations/index.js';
import type { RunEvent } from '../../../src/events.js';
import type { ExitCode } from '../../../src/lib/errors.js';

/** A run that took a step. */
function run(stage: string, exitCode: ExitCode): ReturnType<typeof historyRun> {
  const events: RunEvent[] = [
    { type: 'step-end', host: 'pg1', stage, result: 'changed', changes: 1, ms: 10 },
    { type: 'run-end', exitCode, ms: 20, recap: [] },
  ];
  return historyRun({
    id: 'a1',
    head: undefined,
    events: events.map((event) => ({ ...event, at: '2026-11-28T10:00:00.000Z' })),
    lines: [],
  });
}

describe('how a run ended, in the history', () => {
  it.each([
    { stage: 'switchover/hand-over', exitCode: 0, ending: 'done' },
    { stage: 'switchover/schedule', exitCode: 0, ending: 'scheduled' },
    { stage: 'switchover/cancel', exitCode: 0, ending: 'cancelled' },
    { stage: 'switchover/schedule', exitCode: 1, ending: 'failed' },
  ] as const)('$stage with $exitCode: $ending', ({ stage, exitCode, ending }) => expect(run(stage, exitCode).ending).toBe(ending));

  it('has words for existing operations only', () => {
    const names = OPERATIONS.map(({ name }) => name);
    expect(Object.keys(STEP_ENDINGS).filter((id) => !names.includes(id.slice(0, id.indexOf('/'))))).toEqual([]);
  });
});
