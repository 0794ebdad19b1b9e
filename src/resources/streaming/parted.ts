import { lsnBytes } from '../../postgres/lsn.js';
import type { ClusterData } from '../data-directory.js';
import type { StreamingWords } from './server.js';

/** A server that streams without Patroni. */
export interface PartingServer {
  name: string;
  data: ClusterData;
  /** What it says; undefined while it takes no connections. */
  says: StreamingWords | undefined;
}

/** What a server has that its primary has not. */
export type Parted =
  | { kind: 'nothing' }
  /** @property why as a clause */
  | { kind: 'more' | 'unknown'; why: string };

/**
 * Whether a server has WAL that its primary has not: it went on where the primary's timeline had left its own. A standby that streams has what its
 * primary has sent, and of a primary that does not answer nothing is told.
 */
export function partedServer({ name, data, says }: PartingServer, primary: PartingServer): Parted {
  const leads = primary.says;
  if (leads === undefined || says?.receives === true) return { kind: 'nothing' };
  const timeline = says?.timeline ?? data.position?.timeline;
  const location = says?.location ?? data.position?.lastRecord;
  if (timeline === undefined) return { kind: 'unknown', why: `on which timeline ${name} is` };
  if (timeline > leads.timeline) {
    return { kind: 'more', why: `it is on timeline ${timeline}, and ${primary.name} on timeline ${leads.timeline}` };
  }
  if (location === undefined) return { kind: 'unknown', why: `how far the WAL of ${name} goes` };
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
