import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHECKOUT } from '../lab/paths.js';
import { MATRIX } from '../support/depth.js';
import { resting, restingWords } from './turns.js';

test('every file that takes turns is there', () => {
  const names = resting([], ['access', 'says']).concat(resting([]));
  for (const name of names) expect(existsSync(join(CHECKOUT, 'test', 'integration', `${name}.test.ts`)), name).toBe(true);
});

test.skipIf(MATRIX)('half of them rest, and none that is asked for by its name', () => {
  const all = ['one', 'two', 'three', 'four', 'five'];
  const resters = resting(['run', '--project', 'integration'], all);
  expect(resters).toHaveLength(2);
  expect(resting(['run', `test/integration/${resters[0]}.test.ts`], all)).toEqual(resters.slice(1));
});

test('a run says who rests, and how one is run', () => {
  expect(restingWords([])).toEqual([]);
  expect(restingWords(['kill', 'says'])).toEqual([
    'Skipped, because it is not their turn by the seed (2 files with hosts): kill, says.',
    '`npm test -- kill` runs one of them; PGPROV_MATRIX=1 takes all.',
  ]);
});
