import { DATA_DIRECTORY, formatLsn, lsnBytes, type ClusterData, type View } from '../../index.js';
import { answerOf, storeOf } from './members.js';
import { positionOf, type Position } from './positions.js';

/** A sign that a member has WAL which no leader of the cluster wrote, so that how far it looks says nothing. */
export interface OwnWal {
  /** The sign, as a clause that follows the member's name. */
  why: string;
  /** Histories of timelines prove it; otherwise what the member has may be the cluster's all the same. */
  proved: boolean;
}

/** Bytes of WAL that a checkpoint at rest takes at most, with the headers of a page and of a file. */
const CHECKPOINT_RECORD = 256;

/**
 * Whether a member whose PostgreSQL runs has parted from the leaders' history, as far as that shows where nobody leads: by the ends of
 * timelines that Patroni has noted in its store, and by a checkpoint that is the member's own, as Patroni's recovery of a base backup in
 * single-user mode writes it. Undefined where there is no sign.
 */
export function ownWal(view: View, member: string): OwnWal | undefined {
  const position = positionOf(view, member);
  if (position === undefined) return undefined;
  return otherHistory(view, member) ?? beyondTheEnd(view, position) ?? ownCheckpoint(view, position) ?? rivalHistory(view, member);
}

/** That a member has, or may have, WAL of its own, as a clause; none where there is no sign of it. */
export function doubtText(view: View, member: string): string[] {
  const doubt = ownWal(view, member);
  return doubt === undefined ? [] : [`${member} ${ownership(doubt)}: it ${doubt.why}`];
}

function ownership({ proved }: OwnWal): string {
  return proved ? 'has WAL that is not the cluster’s' : 'may have WAL that no leader wrote';
}

/** Its history leaves a timeline elsewhere than Patroni has noted it. */
function otherHistory(view: View, member: string): OwnWal | undefined {
  const history = dataOf(view, member)?.history;
  for (const fork of history?.forks ?? []) {
    const [timeline, left = '0/0'] = fork.split(' ');
    const end = endOf(view, Number(timeline));
    if (end === undefined || BigInt(end) === lsnBytes(left)) continue;
    return { why: `left timeline ${timeline} at ${left}, and the cluster left it at ${formatLsn(end)}`, proved: true };
  }
  return undefined;
}

/** It is on a timeline that is over, and has more of it than the cluster. */
function beyondTheEnd(view: View, { timeline, bytes }: Position): OwnWal | undefined {
  const end = endOf(view, timeline);
  if (end === undefined || bytes <= end) return undefined;
  return { why: `has WAL of timeline ${timeline} up to ${formatLsn(bytes)}, and the cluster left it at ${formatLsn(end)}`, proved: true };
}

/** A leader that stops notes the place of its last checkpoint, and sends it to its standbys: nobody else writes one. */
function ownCheckpoint(view: View, { member, timeline, bytes }: Position): OwnWal | undefined {
  const checkpoint = dataOf(view, member)?.position;
  if (checkpoint?.atRest !== true || checkpoint.timeline !== timeline) return undefined;
  const at = Number(lsnBytes(checkpoint.checkpoint));
  const { replayed = 0, paused = false } = answerOf(view, member)?.wal ?? {};
  if (bytes > replayed && !paused && replayed <= at + CHECKPOINT_RECORD)
    return {
      why: `has received WAL up to ${formatLsn(bytes)}, and replays nothing of it after the checkpoint at ${checkpoint.checkpoint}`,
      proved: false,
    };
  const noted = storeOf(view)?.leaderPosition;
  const shared = view
    .hosts('patroni')
    .map(({ name }) => positionOf(view, name))
    .some((other) => other !== undefined && other.member !== member && other.timeline === timeline && other.bytes > at);
  if (noted === undefined || at <= noted || shared) return undefined;
  return {
    why: `has a checkpoint at ${checkpoint.checkpoint} that a server wrote as it stopped; the last leader was last known at ${formatLsn(noted)}, and no other member has WAL up to there`,
    proved: false,
  };
}

/** Two members have different timelines of one number, and nobody knows which of them is the cluster's. */
function rivalHistory(view: View, member: string): OwnWal | undefined {
  const own = dataOf(view, member)?.history;
  const rival = view.hosts('patroni').find(({ name }) => {
    const other = dataOf(view, name)?.history;
    const differs = own !== undefined && other?.timeline === own.timeline && other.forks.join() !== own.forks.join();
    return name !== member && differs && otherHistory(view, name) === undefined;
  });
  return rival && { why: `has another timeline ${own?.timeline} than ${rival.name}`, proved: false };
}

/** Where the cluster left a timeline, in bytes; undefined where that is not noted. */
function endOf(view: View, timeline: number): number | undefined {
  return storeOf(view)?.timelineEnds?.find((end) => end.timeline === timeline)?.at;
}

function dataOf(view: View, host: string): ClusterData | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data : undefined;
}
