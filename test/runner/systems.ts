import { type System, SYSTEM_NAMES } from '../lab/systems.js';

/** The systems that the default run has images of before a test asks for them. */
const OF_DEFAULT_RUN: readonly System[] = ['debian13', 'rocky9'];

/**
 * The systems whose images a run needs for certain: those that its test files name, of all of them in the matrix, otherwise of those of the
 * default run.
 */
export function systemsOf(texts: readonly string[], matrix: boolean): System[] {
  return SYSTEM_NAMES.filter(
    (name) =>
      (matrix || OF_DEFAULT_RUN.includes(name)) && texts.some((text) => text.includes(`'${name}'`) || text.includes('SYSTEM_NAMES')),
  );
}

/** Whether test files begin with hosts that have their packages already, or with a cluster, which is made of such hosts. */
export function beginsWithPackages(texts: readonly string[]): boolean {
  return texts.some((text) => text.includes("'packages'") || text.includes('TestCluster.converged('));
}
