import type { TimelineEnd } from '../resources/patroni/history.js';
import { formatLsn } from '../postgres/lsn.js';

/** One timeline of a cluster: who led on it, and how it ended. */
export interface Reign {
  timeline: number;
  /** Undefined where nobody noted it: Patroni notes who takes over, not who was first. */
  leader: string | undefined;
  /** ISO 8601, UTC; undefined where it was not noted. */
  from: string | undefined;
  /** Undefined where it was not noted, and for the timeline that goes on. */
  until: string | undefined;
  /** Where in the WAL it was left, and PostgreSQL's words for why; undefined for the timeline that goes on. */
  left: { lsn: string; reason: string } | undefined;
  /** The run of pgprov that was under way when it began, by its id. */
  run: string | undefined;
}

/** A journaled run of pgprov. */
export interface HistoryRun {
  id: string;
  /** `switchover --to pg2` */
  command: string;
  /** ISO 8601, UTC; undefined where its journal does not say. */
  at: string | undefined;
  ms: number;
  /** `done`, `scheduled`, `failed`, `broke off`, … */
  ending: string;
  changes: number;
}

/** What is known of the timeline that goes on. */
export interface Present {
  leader: string | undefined;
  timeline: number | undefined;
}

/** A clock of a host and that of this machine may differ by so much, in milliseconds. */
const CLOCKS_DIFFER = 5000;

/** The timelines of a cluster, the oldest first. */
export function reignsOf(ends: readonly TimelineEnd[], runs: readonly HistoryRun[], now: Present): Reign[] {
  const sorted = [...ends].sort((a, b) => a.timeline - b.timeline);
  const begun = (end: TimelineEnd | undefined): Pick<Reign, 'leader' | 'from' | 'run'> => {
    const from = end?.time === undefined ? undefined : utc(end.time);
    return { leader: end?.leader, from, run: runAt(runs, from) };
  };
  const past = sorted.map((end, index): Reign => {
    const before = sorted[index - 1];
    return {
      timeline: end.timeline,
      ...begun(before?.timeline === end.timeline - 1 ? before : undefined),
      until: begun(end).from,
      left: { lsn: formatLsn(end.at), reason: end.reason },
    };
  });
  const last = sorted.at(-1);
  const present = now.timeline ?? (last === undefined ? 1 : last.timeline + 1);
  const { leader, ...start } = begun(last?.timeline === present - 1 ? last : undefined);
  const isNoted = past.some(({ timeline }) => timeline === present);
  return isNoted ? past : [...past, { timeline: present, leader: now.leader ?? leader, ...start, until: undefined, left: undefined }];
}

function utc(time: string): string | undefined {
  const at = Date.parse(time);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** The run that was under way at a moment, or as near to it as clocks may differ; of several the nearest, the first among equals. */
function runAt(runs: readonly HistoryRun[], time: string | undefined): string | undefined {
  if (time === undefined) return undefined;
  const moment = Date.parse(time);
  const [nearest] = runs
    .map(({ id, at, ms }) => {
      const began = at === undefined ? Number.NaN : Date.parse(at);
      return { id, away: Math.max(0, began - moment, moment - began - ms) };
    })
    .filter(({ away }) => away <= CLOCKS_DIFFER)
    .sort((a, b) => a.away - b.away);
  return nearest?.id;
}
