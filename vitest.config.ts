import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.js';

/** Vitest keeps one processor free otherwise, which leaves a small machine with a single worker. */
const WORKERS = availableParallelism();

/** What comes about a moment later may take its time on a machine that has other work. */
const PATIENCE = { poll: { timeout: 10_000 } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/hostile/**', 'node_modules/**'],
          environment: 'node',
          testTimeout: 60_000,
          expect: PATIENCE,
          maxWorkers: WORKERS,
          // Only tests that wait are marked as concurrent.
          maxConcurrency: 20,
        },
      },
      {
        test: {
          // Apart from the unit tests, which take seconds: these run thousands of scripts.
          name: 'hostile',
          include: ['test/hostile/**/*.test.ts'],
          environment: 'node',
          testTimeout: 180_000,
          expect: PATIENCE,
          maxWorkers: WORKERS,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          environment: 'node',
          testTimeout: 300_000,
          hookTimeout: 600_000,
          // While one makes its hosts work the other mostly waits; a third would only take their time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
