import { comparableTimes, formatDuration } from '../duration.js';
import { totalOf } from '../timed-parts.js';
import type { Timings } from '../timings.js';
import { count } from '../words.js';

/** Less than this share of the run is not named by itself. */
const LEAST_SHARE = 0.01;
const MOST_CAUSES = 10;

/** Where the time of a run went. */
export interface WaitsView {
  total: string;
  causes: readonly { what: string; took: string; percent: number }[];
  cpu: string;
}

/** What the run waited for, longest first; it adds up to the whole. */
export function viewWaits({ totalMs, cpuMs, path }: Timings): WaitsView {
  const time = comparableTimes(totalMs);
  const named = path.filter(({ ms }) => ms >= totalMs * LEAST_SHARE).slice(0, MOST_CAUSES);
  const rest = path.slice(named.length);
  const row = (what: string, ms: number): WaitsView['causes'][number] => ({
    what,
    took: time(ms),
    percent: Math.round((ms / Math.max(1, totalMs)) * 100),
  });
  return {
    total: formatDuration(totalMs),
    causes: [
      ...named.map(({ title, host, ms, times }) =>
        row(`${host === undefined ? '' : `${host}: `}${title}${times > 1 ? `, ${times} times` : ''}`, ms),
      ),
      ...(time(totalOf(rest)) === time(0) ? [] : [row(count(rest.length, 'shorter thing'), totalOf(rest))]),
    ],
    cpu: cpuMs === undefined ? '' : time(cpuMs),
  };
}
