import { DATA_DIRECTORY, enumerate, type Inventory, type OperationObjection, type View } from '../../index.js';
import { isSynchronous } from '../../../roles/shared/synchronous.js';
import { barringTag, heldByTags, tagsInForce, mendTags } from '../../../roles/shared/tags.js';
import { answerOf, membersOf, storeOf } from './members.js';
import { ownWal } from './own-wal.js';
import { positionOf, type Position } from './positions.js';

/**
 * Members whose position is known, the most advanced first: a later timeline counts more than a later position, and of equals one that
 * has replayed more; else they stay in their order. Those that seem to have WAL of their own come last, however far they look.
 */
export function byPosition(view: View, members: readonly string[]): Position[] {
  const doubted = ({ member }: Position): number => (ownWal(view, member) === undefined ? 0 : 1);
  const replayed = ({ member }: Position): number => answerOf(view, member)?.wal?.replayed ?? 0;
  const known = members.flatMap((member) => positionOf(view, member) ?? []);
  return known.sort((a, b) => doubted(a) - doubted(b) || b.timeline - a.timeline || b.bytes - a.bytes || replayed(b) - replayed(a));
}

/** The most advanced of these members that can take the lead and shows no sign of WAL of its own. */
export function bestCandidate(view: View, members: readonly string[], former: string): string | undefined {
  const fit = members.filter((name) => name !== former && unable(view, name, former) === undefined && ownWal(view, name) === undefined);
  return byPosition(view, fit)[0]?.member;
}

/**
 * Why a member does not take the lead where nobody has it, as a clause that follows its name; undefined: it does.
 * @param former who led before; '' where nobody knows
 */
export function unable(view: View, member: string, former: string): string | undefined {
  return incapable(view, member) ?? asynchronous(view, member, former);
}

/** Why a member cannot take the lead, whatever may be lost for it. */
function incapable(view: View, member: string): string | undefined {
  if (!view.surveyed(member)) return 'cannot be reached';
  const own = answerOf(view, member);
  const data = view.read(member, DATA_DIRECTORY);
  if (data?.kind === 'cluster' && data.unstarted === true) return 'has a base backup on which PostgreSQL never started';
  if (own === undefined) return 'does not answer at its REST API';
  const tag = barringTag(tagsInForce(view, member));
  if (tag !== undefined) return `never leads: it has the tag ${tag}`;
  if (positionOf(view, member) === undefined) return `has no PostgreSQL that runs (${own.state})`;
  return undefined;
}

/** How a member may lead that is kept from it by its tag alone, which no run changes before somebody leads; undefined for others. */
export function untagging(view: View, member: string): string | undefined {
  const layout = view.platform(member)?.patroni;
  if (layout === undefined || barringTag(tagsInForce(view, member)) === undefined) return undefined;
  const held = heldByTags(view);
  if (held.length > 0) return mendTags(view, held);
  return `where nobody else can lead: take the tags of ${member} out of the inventory and of ${layout.configFile} there, \`systemctl reload ${layout.unit}\` there, and run this again`;
}

/** That a member was no synchronous standby of the lost leader, though commits waited for one, as a clause that follows its name. */
export function asynchronous(view: View, member: string, former: string): string | undefined {
  if (!isSynchronous(view)) return undefined;
  const standbys = synchronousStandbys(view, former);
  if (standbys.includes(member)) return undefined;
  const known =
    standbys.length === 0 ? 'no member is known to have them' : `${enumerate(standbys)} ${standbys.length === 1 ? 'has' : 'have'} them`;
  return `is no synchronous standby, so it may lack commits that clients were told of (${known})`;
}

/** Whether nothing else keeps a member from taking the lead than that it was no synchronous standby. */
export function isMerelyAsynchronous(view: View, member: string, former: string): boolean {
  return incapable(view, member) === undefined && asynchronous(view, member, former) !== undefined;
}

/** Members that have every commit of the lost leader that waited for one; who leads meanwhile writes a list of its own. */
function synchronousStandbys(view: View, former: string): readonly string[] {
  const sync = storeOf(view)?.sync;
  return sync?.leader === former ? sync.standbys : [];
}

/** Who is to lead, and what may be lost for it. */
export interface Candidacy {
  to: string;
  /** Who led before; '' where nobody knows. */
  former: string;
  /** Bytes of WAL that another member has and that may be lost; default 0. */
  lose?: number;
  /** Also where it was no synchronous standby of the lost leader. */
  asynchronous?: boolean;
}

/** What speaks against a member as the leader: that it cannot take the lead, or lacks what another one has. */
export function candidateObjections(view: View, inventory: Inventory, candidacy: Candidacy): OperationObjection[] {
  const { to, former, lose = 0 } = candidacy;
  const members = membersOf(inventory).map(({ name }) => name);
  const other = 'leave out --to for the most advanced member that can lead';
  const reason = incapable(view, to);
  if (reason !== undefined) {
    const way = untagging(view, to);
    return refuse(`${to} cannot take the lead: it ${reason}`, `nothing was changed; ${other}${way === undefined ? '' : `; ${way}`}`);
  }
  const lack = candidacy.asynchronous === true ? undefined : asynchronous(view, to, former);
  if (lack !== undefined)
    return refuse(`${to} cannot take the lead: it ${lack}`, `nothing was changed; ${other}; to lose what ${to} lacks, add --asynchronous`);
  const [first, own] = [byPosition(view, members)[0], positionOf(view, to)];
  if (first === undefined || own === undefined) return [];
  if (first.timeline > own.timeline && ownWal(view, first.member) === undefined)
    return refuse(
      `${to} is on timeline ${own.timeline}, and ${first.member} on ${first.timeline}: what was written on that is not on ${to}`,
      other,
    );
  const behind = first.bytes - own.bytes;
  if (behind > lose)
    return refuse(
      `${to} is ${behind} bytes of WAL behind ${first.member}, which would be lost`,
      `${other}; to lose them nevertheless, add --lose ${behind}`,
    );
  return ownWal(view, to) === undefined ? members.flatMap((name) => doubtedLoss(view, name, own, lose)).slice(0, 1) : [];
}

/** What a member has more that may be its own alone, or the only copy of commits: which of them it is, a person has to say. */
function doubtedLoss(view: View, name: string, own: Position, lose: number): OperationObjection[] {
  const [doubt, position] = [ownWal(view, name), positionOf(view, name)];
  if (doubt === undefined || doubt.proved || position === undefined || position.timeline < own.timeline) return [];
  const behind = position.bytes - own.bytes;
  if (behind <= lose) return [];
  return refuse(
    `${own.member} is ${behind} bytes of WAL behind ${name}, which may have them for itself alone: it ${doubt.why}`,
    `where they are no commits of clients, give them up with --lose ${behind}; to keep them, --to ${name}`,
  );
}

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}
