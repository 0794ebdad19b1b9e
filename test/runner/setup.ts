import { expect } from 'vitest';
import { spent } from '../support/spent.js';

// Vitest's workers go on when the process of the run is killed.
process.once('disconnect', () => process.exit(1));

// Notes the time that `expect.poll` waits, from its beginning to the last answer.
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
