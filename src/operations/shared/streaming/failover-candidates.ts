import { DATA_DIRECTORY, enumerate, formatLsn, type Inventory, type View } from '../../../index.js';
import { isJoining, REPLAY_PAUSED } from '../../../../roles/shared/streaming/seen.js';
import { synchronousOf } from '../../../../roles/shared/streaming/synchronous.js';
import { utcText } from '../moment.js';
import { serverNames, serverOn } from './seen.js';
import { hinderedWhy, isFurther, othersThan, reachOf, upstreamNamed, type Reach } from './servers-seen.js';

/** What is seen of servers none of which is the primary. */
export interface Lost {
  view: View;
  inventory: Inventory;
  /** Servers that were the primary, or may have been: those out of reach, and those that are down and would start as one. */
  lost: readonly string[];
}

/** Servers that may have been the primary: those out of reach, and those that are down and would start as one. */
export function lostServers(view: View, inventory: Inventory): string[] {
  return serverNames({ inventory }).filter((name) => {
    if (!view.surveyed(name)) return true;
    const server = serverOn(view, name);
    return server !== undefined && !isJoining(view, name) && server.says === undefined && !server.signal;
  });
}

/** Why a server cannot be promoted, as a clause that follows its name; undefined: it can. */
export function unableWhy({ view, lost }: Lost, name: string): string | undefined {
  if (!view.surveyed(name)) return 'cannot be reached';
  if (lost.includes(name)) return 'is down, and no standby';
  if (isJoining(view, name)) return 'has not streamed yet since it was copied';
  const server = serverOn(view, name);
  if (server === undefined) return 'has no data';
  if (server.says?.standby === false) return 'is a primary';
  if (reachOf(view, name) === undefined) return 'is down, and how far its WAL goes cannot be read';
  if (server.says?.paused === true) return REPLAY_PAUSED;
  return hinderedWhy(view, name);
}

/** How far those go that can be promoted, the most advanced first; of equals those first that stream from the primary itself. */
export function byReach(seen: Lost): Reach[] {
  return reaches(seen).filter(({ name }) => unableWhy(seen, name) === undefined);
}

/** The same of all standbys that say it, also of those that cannot be promoted as they are. */
export function reaches({ view, inventory, lost }: Lost): Reach[] {
  const known = othersThan(inventory, ...lost).flatMap((name) =>
    serverOn(view, name)?.says?.standby === false || isJoining(view, name) ? [] : (reachOf(view, name) ?? []),
  );
  const rank = ({ name, down }: Reach): number => (down ? 2 : upstreamNamed(inventory, name) === undefined ? 0 : 1);
  return known.sort((a, b) => (isFurther(a, b) ? -1 : isFurther(b, a) ? 1 : rank(a) - rank(b)));
}

/** Which standbys commits of the lost primary waited for, and for how many of them. */
function awaited({ inventory: { hosts }, lost: [former = ''] }: Lost, to: string): { names: readonly string[]; number: number } {
  const host = hosts.find(({ name }) => name === former) ?? hosts.find(({ name }) => name === to);
  return host === undefined ? { names: [], number: 0 } : synchronousOf(host);
}

/**
 * That a standby may lack commits that clients were told of, although commits waited for standbys, as a clause that follows its name. Each such commit
 * is on as many standbys as are waited for, so that it is on one at least of those that are seen, where few enough are not.
 */
export function lackWhy(seen: Lost, to: string): string | undefined {
  const { names, number } = awaited(seen, to);
  if (number === 0) return undefined;
  const { view } = seen;
  const unknown = names.filter((name) => reachOf(view, name) === undefined);
  if (unknown.length < number) return undefined;
  return `may lack commits that clients were told of: ${enumerate(unknown)}, which they may have waited for, ${unknown.length === 1 ? 'does' : 'do'} not say how far ${unknown.length === 1 ? 'it is' : 'they are'}`;
}

/** What each server has, and what is lost as far as anybody knows, in clauses. */
export function lossText(seen: Lost, to: string): string {
  const { view, inventory, lost } = seen;
  const own = reachOf(view, to);
  if (own === undefined) return `what ${to} does not have is lost`;
  const others = othersThan(inventory, to, ...lost).map((name) => otherText(seen, name, own));
  const lack = lackWhy(seen, to);
  return [
    `${to} has received the WAL up to ${formatLsn(own.bytes)} on timeline ${own.timeline}`,
    ...others,
    ...lost.map((name) => lostText(view, name, own)),
    ...(lack === undefined ? keptText(seen, own) : [`${to} ${lack}`]),
  ].join('; ');
}

/** What is certain where commits waited for standbys, whatever the lost primary had: one of those that are seen has them, and this one has all of theirs. */
function keptText(seen: Lost, own: Reach): string[] {
  const { view, inventory, lost } = seen;
  const others = othersThan(inventory, own.name, ...lost).flatMap((name) => reachOf(view, name) ?? []);
  if (awaited(seen, own.name).number === 0 || others.some((other) => isFurther(other, own))) return [];
  return [`no commit is lost that waited for a synchronous standby: ${own.name} has them`];
}

function otherText(seen: Lost, name: string, own: Reach): string {
  const reach = reachOf(seen.view, name);
  if (reach === undefined) return `what ${name} has is unknown: it ${unableWhy(seen, name) ?? 'does not say'}`;
  if (reach.timeline !== own.timeline) return `${name} up to ${formatLsn(reach.bytes)} on timeline ${reach.timeline}`;
  const difference = own.bytes - reach.bytes;
  if (difference === 0 && !reach.down) return `${name} has the same`;
  return `${name} up to ${formatLsn(reach.bytes)}, ${Math.abs(difference)} bytes ${difference > 0 ? 'less' : 'more, which are lost'}`;
}

/** From when on commits of a lost primary may be lost, as a sentence with a space behind it; nothing where its standby does not know. */
function lastCommitText(view: View, lost: string, { name }: Reach): string {
  const last = serverOn(view, name)?.says?.lastCommit;
  if (last === undefined) return '';
  return `The last commit that ${name} has replayed was made at ${utcText(new Date(last * 1000).toISOString())} by the clock of ${lost}: later ones are lost, if there were any. `;
}

/** What a lost primary had more, by its own files where its host answers. */
function lostText(view: View, name: string, own: Reach): string {
  if (!view.surveyed(name))
    return `the host of ${name} cannot be reached, so how far it was is unknown: what it had not sent is lost. ${lastCommitText(view, name, own)}If it only hangs or is cut off, what clients write there from now on is lost too: switch it off first`;
  const data = view.read(name, DATA_DIRECTORY);
  const reach = reachOf(view, name);
  if (data?.kind !== 'cluster' || reach === undefined)
    return `how far the WAL of ${name} goes cannot be read: what it had not sent is lost`;
  const replayed = serverOn(view, own.name)?.says?.replayed ?? own.bytes;
  if (reach.timeline === own.timeline && reach.bytes < replayed)
    return `the last record of ${name} starts at ${formatLsn(reach.bytes)}, and ${own.name} has it: nothing is lost`;
  const more =
    reach.timeline === own.timeline
      ? `at least ${reach.bytes - replayed} bytes are lost`
      : `that is timeline ${reach.timeline}, which is lost`;
  return `the last record of ${name} starts at ${formatLsn(reach.bytes)}, and ${own.name} has all up to ${formatLsn(replayed)}: ${more}, but for the disk of ${name}: to start it there again loses nothing`;
}
