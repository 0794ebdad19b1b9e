import type { WriteGap } from '../events.js';
import { formatDuration } from './duration.js';
import { listNames } from './words.js';

/** Shorter gaps are those between two commits of the probe. */
const NO_PAUSE = 500;

/** `writes paused for 5.2 s: from the last commit on pg1 to the first on pg2`, or why it is not known. */
export function writeGapText({ ms, from, to, unseen, lost = [] }: Omit<WriteGap, 'type' | 'stage'>): string {
  const out = lost.length === 0 ? '' : `; ${listNames(lost)} was out of sight for a part of it`;
  if (ms === undefined) return `how long writes paused could not be seen: ${unseen ?? 'nothing is known of it'}${out}`;
  if (ms < NO_PAUSE) return `writes did not pause: no two commits were more than ${formatDuration(ms)} apart${out}`;
  const where = from === to ? `between two commits on ${from}` : `from the last commit on ${from} to the first on ${to}`;
  return `writes paused for ${formatDuration(ms)}: ${where}${out}`;
}
