import { choose, MATRIX, SEED } from '../../support/depth.js';
import { HOST_SHELLS, type Shell } from '../../support/shells.js';

/**
 * What a shell is to try of a list. In the matrix every shell tries all of it; otherwise `count` items are chosen by the
 * seed and dealt out, so that no two shells try the same.
 */
export function dealt<T>(shell: Shell, list: readonly T[], count: number, salt: string, { matrix = MATRIX, seed = SEED } = {}): T[] {
  const chosen = choose(list, count, { matrix, seed, salt });
  return matrix ? chosen : chosen.filter((_, at) => HOST_SHELLS[(at + seed) % HOST_SHELLS.length] === shell);
}
