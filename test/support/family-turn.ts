import { describe } from 'vitest';
import { sample, SEED } from './depth.js';

/** Families of systems, of which one has its turn with what is tested on each of them in much the same way. */
const FAMILIES = ['Debian', 'Rocky'] as const;

/** Tests of a subject on one family of systems: in each run one has its turn, which the seed chooses, and in the matrix both have. */
export function describeInTurn(subject: string, family: (typeof FAMILIES)[number], title: string, tests: () => void): void {
  const turn = sample(FAMILIES, 1, `family for ${subject}`).includes(family);
  describe.skipIf(!turn)(
    turn ? title : `${title} (skipped: the other family has its turn with seed ${SEED}; PGPROV_MATRIX=1 takes both)`,
    tests,
  );
}
