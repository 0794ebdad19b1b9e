import { DATA_DIRECTORY, formatLsn, lsnBytes, type ClusterData, type View } from '../../index.js';
import { answerOf, listedBy, streamsFrom } from './members.js';

/** What a member has of the WAL that its leader has not. */
export type Ahead =
  /** Nothing. */
  | { kind: 'nothing' }
  /** WAL that the leader has not, and with it maybe the only copy of commits; `why` is a sentence that names both positions. */
  | { kind: 'more'; why: string }
  /** It cannot be told; `why` is a clause. */
  | { kind: 'unknown'; why: string };

/** A point in the WAL. */
interface Reach {
  timeline: number;
  at: bigint;
  /** Its last record begins there; otherwise its last byte is there. */
  startsThere: boolean;
}

/**
 * Compares how far a member's WAL goes with its leader's. A timeline has one writer, so a standby that streams from the leader has nothing of
 * its own. A member on an older timeline has what lies beyond the point at which the leader's history left that timeline; one on a newer
 * timeline was promoted.
 */
export function walAhead(view: View, leader: string, member: string): Ahead {
  const listed = listedBy(view, leader, member);
  const own = clusterData(view, member);
  const leads = answerOf(view, leader);
  const timeline = leads?.timeline;
  if (streamsFrom(view, leader, member) && listed?.timeline === timeline) return { kind: 'nothing' };
  if (own === undefined) return isForeign(view, member) ? { kind: 'unknown', why: `what the files on ${member} are` } : { kind: 'nothing' };
  if (leads?.wal?.location === undefined || timeline === undefined) return { kind: 'unknown', why: `how far ${leader} is` };
  const history = clusterData(view, leader)?.history;
  const reach = reachOf(view, member, own);
  if (reach === undefined) return { kind: 'unknown', why: `how far the WAL of ${member} goes` };
  const said = `${member} is at ${formatLsn(reach.at)} on timeline ${reach.timeline}`;
  if (reach.timeline > timeline) {
    const there = `${leader}, which leads, at ${formatLsn(leads.wal.location)} on timeline ${timeline}`;
    return { kind: 'more', why: `${said}, and ${there}` };
  }
  const forked =
    own.history !== undefined && own.history.timeline === history?.timeline && own.history.forks.join() !== history.forks.join();
  if (forked) return { kind: 'more', why: `${said}, which is another timeline of that number than the one of ${leader}` };
  if (reach.timeline === timeline) {
    return reach.at > BigInt(leads.wal.location)
      ? { kind: 'more', why: `${said}, and ${leader}, which leads, only at ${formatLsn(leads.wal.location)}` }
      : { kind: 'nothing' };
  }
  const left = history?.forks.find((fork) => fork.startsWith(`${reach.timeline} `))?.split(' ')[1];
  if (left === undefined) return { kind: 'unknown', why: `where the history of ${leader} left timeline ${reach.timeline}` };
  const isBeyond = reach.startsThere ? reach.at >= lsnBytes(left) : reach.at > lsnBytes(left);
  return isBeyond
    ? { kind: 'more', why: `${said}, and ${leader}, which leads on timeline ${timeline}, left that timeline at ${left}` }
    : { kind: 'nothing' };
}

/** There are files, and they are not recognised as a database: PG_VERSION is missing. */
function isForeign(view: View, host: string): boolean {
  return view.read(host, DATA_DIRECTORY)?.kind === 'foreign';
}

function clusterData(view: View, host: string): ClusterData | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data : undefined;
}

/** A server that runs tells itself where it is; of one that is down its files do. */
function reachOf(view: View, host: string, data: ClusterData): Reach | undefined {
  const answer = answerOf(view, host);
  const { location, received, replayed } = answer?.wal ?? {};
  const now = Math.max(location ?? 0, received ?? 0, replayed ?? 0);
  const timeline = Math.max(data.position?.timeline ?? 0, data.running ? (answer?.timeline ?? 0) : 0);
  if (timeline === 0) return undefined;
  if (data.running) return now === 0 ? undefined : { timeline, at: BigInt(now), startsThere: false };
  const last = data.position?.lastRecord;
  return last === undefined ? undefined : { timeline, at: lsnBytes(last), startsThere: true };
}
