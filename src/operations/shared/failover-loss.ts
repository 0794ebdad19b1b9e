import { formatLsn, type Inventory, type View } from '../../index.js';
import { asynchronous, unable } from './candidates.js';
import { isSynchronous } from '../../../roles/shared/synchronous.js';
import { membersOf, storeOf } from './members.js';
import { doubtText } from './own-wal.js';
import { positionOf, type Position } from './positions.js';

/** A failover whose loss is to be told. */
export interface Failover {
  view: View;
  inventory: Inventory;
  /** Who is to lead. */
  to: string;
  /** Who led before; '' where nobody knows. */
  former: string;
}

/** What each member has, and what is lost as far as anybody knows, in clauses. */
export function lossText(failover: Failover): string {
  const { view, inventory, to, former } = failover;
  const own = positionOf(view, to);
  if (own === undefined) return `what ${to} does not have is lost`;
  const others = membersOf(inventory).flatMap(({ name }) => (name === to || name === former ? [] : [otherText(failover, name, own)]));
  return [
    `${to} has the WAL up to ${formatLsn(own.bytes)} on timeline ${own.timeline}`,
    ...doubtText(view, to),
    ...laterText(view, own),
    ...others,
    formerText(failover, own),
  ].join('; ');
}

/** That there were timelines after that of the member. */
function laterText(view: View, { member, timeline }: Position): string[] {
  const last = (storeOf(view)?.timelineEnds?.at(-1)?.timeline ?? 0) + 1;
  return last <= timeline ? [] : [`the cluster was on timeline ${last}, of which ${member} has nothing`];
}

function otherText({ view, former }: Failover, name: string, own: Position): string {
  const position = positionOf(view, name);
  if (position === undefined) return `what ${name} has is unknown: it ${unable(view, name, former) ?? 'does not say'}`;
  return [distance(name, position, own), ...doubtText(view, name)].join(', and ');
}

function distance(name: string, position: Position, own: Position): string {
  if (position.timeline !== own.timeline) return `${name} up to ${formatLsn(position.bytes)} on timeline ${position.timeline}`;
  const difference = own.bytes - position.bytes;
  if (difference === 0) return `${name} has the same`;
  return `${name} up to ${formatLsn(position.bytes)}, ${Math.abs(difference)} bytes ${difference > 0 ? 'less' : 'more, which are lost'}`;
}

function formerText({ view, to, former }: Failover, own: Position): string {
  const lack = asynchronous(view, to, former);
  if (isSynchronous(view) && lack === undefined)
    return `with synchronous_mode ${to} has every commit that waited for a synchronous standby`;
  const noted = storeOf(view)?.leaderPosition;
  const who = former === '' ? 'the last leader' : former;
  const more = [...hungText(view, former), ...(lack === undefined ? [] : [`${to} ${lack}`])];
  if (noted === undefined) return [`how far ${who} was is unknown: what it did not send is lost`, ...more].join('; ');
  const last = `${who} was last known at ${formatLsn(noted)}`;
  return [
    noted > own.bytes ? `${last}: at least ${noted - own.bytes} bytes are lost` : `${last}, which ${to} has`,
    `what ${who} wrote after that and did not send is lost, and how much that is nobody knows`,
    ...more,
  ].join('; ');
}

/** A leader that hangs goes on where it was, until its Patroni has found out that it leads no more; only a watchdog prevents that. */
function hungText(view: View, former: string): string[] {
  if (former === '' || view.surveyed(former)) return [];
  return [`if ${former} only hangs, what it acknowledges to clients when it goes on is lost too: switch its host off first, if you can`];
}
