const SECOND = 1000;

/** Shorter times are not worth telling in a tree. */
const WORTH_TELLING = 100;

/** A duration in words: `<0.1 s`, `0.3 s`, `21 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatDuration(ms: number): string {
  if (ms < 50) return '<0.1 s';
  if (ms < 9950) return `${(ms / SECOND).toFixed(1).replace('.0', '')} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  return pair(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
}

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

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${large} ${largeUnit}${small === 0 ? '' : ` ${small} ${smallUnit}`}`;
}
