import { appendFileSync } from 'node:fs';
import { TestRunner } from 'vitest';
import { beganAt, isLate, leftFile } from './budget.js';
import { nameOf } from './longest-first.js';

type Suite = Parameters<TestRunner['onBeforeRunSuite']>[0];

/** Runs a test file that has hosts, unless the run has no time left for it (see `isLate`); then all of its tests are skipped, and nothing is started. */
export default class WithinBudget extends TestRunner {
  override async onBeforeRunSuite(suite: Suite): Promise<void> {
    await super.onBeforeRunSuite(suite);
    if (!('filepath' in suite) || suite.mode === 'skip' || !isLate(beganAt(), Date.now())) return;
    suite.mode = 'skip';
    const left = leftFile();
    if (left !== undefined) appendFileSync(left, `${nameOf(String(suite.filepath))}\n`);
  }
}
