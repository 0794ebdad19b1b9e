import { isAccepted } from './fence.js';
import type { LeavingRun as Run } from './options.js';
import { isInPlace, isKnown, isWanted, servesThere, storeRunsThere } from './seen.js';

/** Nothing is left to do, and nothing was begun. */
export function isOver(run: Run): boolean {
  const began = run.resumed === true || run.done.size > 0;
  return !began && !isInPlace(run) && !isWanted(run) && !isKnown(run) && !isAccepted(run) && !servesThere(run) && !storeRunsThere(run);
}
