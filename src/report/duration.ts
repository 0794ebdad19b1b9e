import { formatDuration } from '../lib/duration.js';

export { formatDuration } from '../lib/duration.js';

const SECOND = 1000;

/** Shorter times are not worth telling in a tree. */
const WORTH_TELLING = 100;

/** The time something has taken so far, in whole seconds; empty in its first second. */
export function formatElapsed(ms: number): string {
  return ms < SECOND ? '' : formatDuration(Math.floor(ms / SECOND) * SECOND);
}

/** A duration as the end of a line: ` (21 s)`; empty when it is not worth telling. */
export function timeSuffix(ms: number): string {
  return ms < WORTH_TELLING ? '' : ` (${formatDuration(ms)})`;
}

/** Milliseconds as a text. */
export type TimeFormat = (ms: number) => string;

/** One unit for all times of a run, so that the eye can compare; those of a short run are told more exactly. */
export function comparableTimes(totalMs: number): TimeFormat {
  const digits = totalMs < 10_000 ? 2 : 1;
  return (ms) => `${(ms / SECOND).toFixed(digits)} s`;
}
