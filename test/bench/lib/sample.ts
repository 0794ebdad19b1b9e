import type { Spent } from './child.js';

/** One run that did its work; what a process on a host took is not counted. */
export interface Sample extends Pick<Spent, 'seconds'>, Partial<Omit<Spent, 'seconds'>> {
  /** More that was measured of the same run, by name. */
  more?: Record<string, number>;
}

/** One run that did not, and why. */
export interface Failure {
  failed: string;
}

/** The runs of one contender under one condition, a round each. */
export interface Series {
  contender: string;
  /** The condition where a measure has several, such as `50 ms` or `100 hosts`. */
  point?: string;
  runs: (Sample | Failure)[];
}

export function isSample(run: Sample | Failure): run is Sample {
  return !('failed' in run);
}

/** Wall times in rounds; undefined where a run failed. */
export function secondsOf({ runs }: Pick<Series, 'runs'>): (number | undefined)[] {
  return runs.map((run) => (isSample(run) ? run.seconds : undefined));
}

/** The numbers that there are. */
export function known(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}
