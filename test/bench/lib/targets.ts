import { times } from '../report/numbers.js';
import type { Ratio, Target } from '../report/results.js';
import { known, secondsOf, type Series } from './sample.js';
import { median, pairRatios } from './statistics.js';

/** The runs of a contender, under a condition where there are several. */
export function seriesOf(all: readonly Series[], contender: string, point?: string): Series | undefined {
  return all.find((series) => series.contender === contender && series.point === point);
}

/** The median of wall time in seconds. */
export function medianSeconds(series: Series | undefined): number | undefined {
  return series === undefined ? undefined : median(known(secondsOf(series)));
}

/** How many times as long `over` took as `under`, round by round. */
export function ratioOf(title: string, over: Series | undefined, under: Series | undefined): Ratio {
  return { title, values: over === undefined || under === undefined ? [] : pairRatios(secondsOf(over), secondsOf(under)) };
}

/** A target for a number; `undefined` was not measured. */
export function target(
  wanted: string,
  value: number | undefined,
  reached: (value: number) => boolean,
  format: (value: number) => string,
): Target {
  return value === undefined ? { wanted, measured: '' } : { wanted, measured: format(value), reached: reached(value) };
}

/** A target for the median of a ratio. */
export function ratioTarget(wanted: string, { values }: Ratio, reached: (value: number) => boolean): Target {
  return target(wanted, median(values), reached, times);
}
