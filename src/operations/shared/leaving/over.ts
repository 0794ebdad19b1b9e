import { isAccepted } from './fence.js';
import type { LeavingRun as Run } from './options.js';
import { hasBegun, isInPlace, isKnown, isWanted, servesThere, storeRunsThere } from './seen.js';

/** Nothing is left to do, and nothing was begun. */
export function isOver(run: Run): boolean {
  return (
    !hasBegun(run) && !isInPlace(run) && !isWanted(run) && !isKnown(run) && !isAccepted(run) && !servesThere(run) && !storeRunsThere(run)
  );
}
