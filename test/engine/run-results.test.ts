import { describe, expect, it } from 'vitest';
import { RunResults } from '../../src/engine/run-results.js';
import type { RunEvent } from '../../src/events.js';
import { ExitCode, PgprovError } from '../../src/lib/errors.js';

describe('the results of a run', () => {
  it('count no host as failed whose connection was called off by an interruption', () => {
    const told: RunEvent[] = [];
    const results = new RunResults(['pg1'], (event) => told.push(event));
    results.fail(new PgprovError({ kind: 'ssh/aborted', message: 'cancelled', host: 'pg1', exitCode: ExitCode.interrupted }));
    expect([results.hasFailed('pg1'), told, results.exitCode(true)]).toEqual([false, [], ExitCode.interrupted]);
  });
});
