import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { HOOK_LIMIT, POLL_LIMIT, POLL_PAUSE, TEST_LIMIT } from './test/runner/limits.js';
import { LongestFirst } from './test/runner/longest-first.js';
import { measureFactor } from './test/runner/machine.js';
import { RunReporter } from './test/runner/run-reporter.js';
import { resting } from './test/runner/turns.js';
import { MATRIX, SEED } from './test/support/depth.js';
import { patience } from './test/support/patience.js';

/** Vitest keeps one processor free otherwise, which leaves a small machine with a single worker. */
const WORKERS = availableParallelism();

/** Tests without hosts wait as long as they compute: for processes that they start, time limits, login delays. */
const WAITING_WORKERS = Math.ceil(1.5 * WORKERS);

// Every worker works it out for itself otherwise, and the day may end during a run.
process.env['PGPROV_SEED'] = String(SEED);

// Before anything asks for a time limit; workers inherit it.
process.env['PGPROV_PATIENCE'] ??= String(measureFactor());

const EVERYWHERE = { environment: 'node', setupFiles: ['test/runner/setup.ts'], expect: { poll: { timeout: patience(POLL_LIMIT) } } };

const OTHERS = ['test/integration/**', 'test/hostile/**', 'test/matrix/**', 'node_modules/**'];

const WITHOUT_HOSTS = {
  ...EVERYWHERE,
  testTimeout: patience(60_000),
  hookTimeout: patience(10_000),
  maxWorkers: WAITING_WORKERS,
  // Starting a process and loading Vitest and the packages costs most files more than their tests do.
  isolate: false,
  setupFiles: ['test/support/own-modules.ts', 'test/runner/setup.ts'],
  // Only tests that wait are marked as concurrent.
  maxConcurrency: 20,
};

const WITH_HOSTS = {
  ...EVERYWHERE,
  setupFiles: ['test/runner/hosts-setup.ts', 'test/runner/setup.ts'],
  runner: 'test/runner/within-budget.ts',
  expect: { poll: { timeout: patience(POLL_LIMIT), interval: POLL_PAUSE } },
  testTimeout: patience(TEST_LIMIT),
  hookTimeout: patience(HOOK_LIMIT),
  // Hosts boot, elect and time out for a third of the time; with three files the processors are hardly ever idle.
  maxWorkers: 3,
  sequence: { groupOrder: 2 },
};

const RESTING = resting(process.argv.slice(2)).map((name) => `test/integration/${name}.test.ts`);

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new RunReporter()],
    projects: [
      { test: { ...WITHOUT_HOSTS, name: 'unit', include: ['test/**/*.test.ts'], exclude: [...OTHERS, 'test/**/*.programs.test.ts'] } },
      // Apart from the unit tests, which are to be quick: these start servers, browsers, and shells by the dozen.
      { test: { ...WITHOUT_HOSTS, name: 'programs', include: ['test/**/*.programs.test.ts'], exclude: OTHERS } },
      {
        test: {
          ...EVERYWHERE,
          // Apart from the unit tests, which take seconds: these run thousands of scripts.
          name: 'hostile',
          include: ['test/hostile/**/*.test.ts'],
          testTimeout: patience(180_000),
          hookTimeout: patience(60_000),
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...WITH_HOSTS, name: 'integration', include: ['test/integration/**/*.test.ts'], exclude: RESTING } },
      ...(MATRIX ? [{ test: { ...WITH_HOSTS, name: 'matrix', include: ['test/matrix/**/*.test.ts'] } }] : []),
    ],
  },
});
