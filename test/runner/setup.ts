import { expect } from 'vitest';
import { spent } from '../support/spent.js';

/**
 * Runs before each test file. A worker of unit tests runs many, with one `expect` and modules of their own, so what is done to the worker
 * is done once.
 */
const done = process as NodeJS.Process & { pgprovSetUp?: true };

if (done.pgprovSetUp !== true) {
  done.pgprovSetUp = true;
  endWithRun();
  noteWaiting();
}

/** Vitest's workers go on when the process of the run is killed. */
function endWithRun(): void {
  process.once('disconnect', () => process.exit(1));
}

/** Notes the time that `expect.poll` waits, from its beginning to the last answer. */
function noteWaiting(): void {
  const poll = expect.poll.bind(expect);
  expect.poll = (ask, options) => {
    let asked = Date.now();
    return poll(async () => {
      try {
        return await ask();
      } finally {
        const now = Date.now();
        spent('waiting', asked, now);
        asked = now;
      }
    }, options);
  };
}
