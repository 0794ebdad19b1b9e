import { describe, expect, it } from 'vitest';
import { MATRIX } from '../support/depth.js';
import { patience } from '../support/patience.js';
import { Walk } from '../walk/walk.js';

/** The same in every run, for a walk that is new each day belongs into no landing; `npm run test:walk` takes others. */
const SEED = 1;
const STEPS = MATRIX ? 40 : 1;

describe('a cluster with random disruptions while a client writes', () => {
  it(
    `is repaired by an apply after each (${STEPS} of them, seed ${SEED}), and loses nothing`,
    async () => {
      const lines: string[] = [];
      await Walk.run({ seed: SEED, steps: STEPS, say: (line) => lines.push(line) });
      process.stdout.write(`${lines.join('\n')}\n`);
      expect(lines).toHaveLength(STEPS + 1);
    },
    patience(1_800_000),
  );
});
