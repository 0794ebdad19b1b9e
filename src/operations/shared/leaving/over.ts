import { isAccepted } from './fence.js';
import type { LeavingRun as Run } from './options.js';
import { hasBegun, isInPlace, isKnown, isWanted, servesThere, storeRunsThere } from './seen.js';
import { NONE_KEPT, slotsTtlOf } from './slots-ttl.js';

/** Nothing is left to do, and nothing was begun, nor left by an operation that was given up. */
export function isOver(run: Run): boolean {
  const isLeft = hasBegun(run) || slotsTtlOf(run) === NONE_KEPT;
  return !isLeft && !isInPlace(run) && !isWanted(run) && !isKnown(run) && !isAccepted(run) && !servesThere(run) && !storeRunsThere(run);
}
