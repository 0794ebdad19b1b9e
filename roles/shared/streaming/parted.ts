import { lsnBytes, type View } from '../../../src/index.js';
import { seenServers, type SeenServer } from './seen.js';

/** What a server has that its primary has not. */
export type Parted =
  | { kind: 'nothing' }
  /** @property why as a clause */
  | { kind: 'more' | 'unknown'; why: string };

/**
 * Whether a server has WAL that its primary has not: it went on where the primary's timeline had left its own. A standby that streams has what its
 * primary has sent.
 */
export function partedFrom(view: View, primary: SeenServer, host: string): Parted {
  const server = seenServers(view).find(({ name }) => name === host);
  const leads = primary.says;
  if (server === undefined || leads === undefined || server.says?.receives === true) return { kind: 'nothing' };
  const { data, says } = server;
  const timeline = says?.timeline ?? data.position?.timeline;
  const location = says?.location ?? data.position?.lastRecord;
  if (timeline === undefined) return { kind: 'unknown', why: `on which timeline ${host} is` };
  if (timeline > leads.timeline) {
    return { kind: 'more', why: `it is on timeline ${timeline}, and ${primary.name} on timeline ${leads.timeline}` };
  }
  if (location === undefined) return { kind: 'unknown', why: `how far the WAL of ${host} goes` };
  // Of one that is down it is known where its last record starts: where the other's WAL ends, that one lacks it.
  const isWithin = (end: number): boolean => (says === undefined ? Number(lsnBytes(location)) < end : Number(lsnBytes(location)) <= end);
  if (timeline === leads.timeline) {
    if (isWithin(leads.position)) return { kind: 'nothing' };
    return { kind: 'more', why: `it has WAL up to ${location}, and ${primary.name} only up to ${leads.location}` };
  }
  const fork = primary.data.history?.forks.map((line) => line.split(' ')).find(([left]) => Number(left) === timeline)?.[1];
  if (fork === undefined) return { kind: 'unknown', why: `where ${primary.name} left timeline ${timeline}` };
  if (isWithin(Number(lsnBytes(fork)))) return { kind: 'nothing' };
  return { kind: 'more', why: `it went on on timeline ${timeline} to ${location}, which ${primary.name} left at ${fork}` };
}
