import type { View } from '../../index.js';
import { answerOf } from './members.js';

/** How far a member is in the WAL. */
export interface Position {
  member: string;
  timeline: number;
  /** Bytes. */
  bytes: number;
}

/** How far a member is that answers and whose PostgreSQL runs: what it has received or replayed, whichever is more; else undefined. */
export function positionOf(view: View, member: string): Position | undefined {
  const { wal, timeline } = answerOf(view, member) ?? {};
  if (wal === undefined || timeline === undefined) return undefined;
  const bytes = Math.max(wal.location ?? 0, wal.received ?? 0, wal.replayed ?? 0);
  return bytes === 0 ? undefined : { member, timeline, bytes };
}
