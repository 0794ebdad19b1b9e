import { pgprov } from '../lib/pgprov-command.js';
import { formatLsn } from '../postgres/lsn.js';
import type { PatroniMemberState } from './patroni/member.js';

type Answering = Extract<PatroniMemberState, { answers: true }>;

/**
 * What a standby that does not stream has of its own: it replayed more WAL than its leader has on the same timeline, as after a base backup that
 * Patroni recovered in single-user mode. A clause that follows its name; undefined where it has none, or that does not show.
 * @param leader the leader's name
 * @param leading what the leader's Patroni says
 */
export function partedStandby(standby: Answering, leader: string, leading: Answering): string | undefined {
  const [replayed, location] = [standby.wal?.replayed, leading.wal?.location];
  if (replayed === undefined || location === undefined || replayed <= location || standby.timeline !== leading.timeline) return undefined;
  return `has WAL up to ${formatLsn(replayed)} that ${leader} never wrote, which leads on the same timeline and is at ${formatLsn(location)}, so it cannot stream`;
}

/** What a person does about a standby with WAL of its own. */
export function mendParted(inventoryFile: string, standby: string): string {
  return `${pgprov`rebuild ${inventoryFile} --host ${standby} --give-up-commits`} copies the leader’s data to it and puts its own aside`;
}
