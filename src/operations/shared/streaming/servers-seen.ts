import { lsnBytes, pgprov, TAKEOVER, unknownName, type Inventory, type OperationObjection, type View } from '../../../index.js';
import { isJoining, primaryOf, REPLAY_PAUSED } from '../../../../roles/shared/streaming/seen.js';
import { upstreamOf } from '../../../../roles/shared/streaming/servers.js';
import { serverNames, serverOn } from './seen.js';

/** The server that takes writes; undefined: none of those that answered, or several. */
export function openPrimary(view: View): string | undefined {
  const primary = primaryOf(view);
  return primary?.says === undefined ? undefined : primary.name;
}

/** Names of all servers but these. */
export function othersThan(inventory: Inventory, ...names: readonly string[]): string[] {
  return serverNames({ inventory }).filter((name) => !names.includes(name));
}

/** The host that a server streams from as a standby of a standby; undefined: from whichever is the primary. */
export function upstreamNamed({ hosts }: Inventory, name: string): string | undefined {
  const host = hosts.find((candidate) => candidate.name === name);
  return host === undefined ? undefined : upstreamOf(host);
}

/** A name that is no server's. */
export function unknownServer(inventory: Inventory, name: string | undefined): OperationObjection[] {
  const servers = serverNames({ inventory });
  if (name === undefined || servers.includes(name)) return [];
  return [{ kind: 'input', error: 'aim/unknown-server', ...unknownName('server', name, servers) }];
}

/** Why a server does not get WAL from the primary, directly or by another standby, as a clause that follows its name; undefined: it does. */
export function notFollowingWhy(view: View, primary: string, name: string): string | undefined {
  if (!view.surveyed(name)) return 'cannot be reached';
  if (isJoining(view, name)) return 'is being copied';
  const server = serverOn(view, name);
  if (server === undefined) return 'has no data';
  const { says } = server;
  if (says === undefined) return 'is down';
  if (!says.standby) return 'is a primary';
  if (!says.receives) return says.paused === true ? `receives no WAL, and ${REPLAY_PAUSED}` : 'receives no WAL';
  const source = upstreamNamed(view.inventory, name) ?? primary;
  const sent = serverOn(view, source)?.says?.sends.find((target) => target.name === name);
  if (sent?.state !== 'streaming') return `does not stream from ${source}`;
  const timeline = serverOn(view, primary)?.says?.timeline;
  return timeline === undefined || says.timeline === timeline
    ? undefined
    : `is on timeline ${says.timeline}, and ${primary} on ${timeline}`;
}

/**
 * Why a server that gets WAL now will not get it from another primary, as a clause that follows its name: one whose replay is paused connects to nobody
 * anew. Undefined: it will.
 */
export function notTurningWhy(view: View, primary: string, name: string): string | undefined {
  return notFollowingWhy(view, primary, name) ?? (serverOn(view, name)?.says?.paused === true ? REPLAY_PAUSED : ownSourceWhy(view, name));
}

/** That its own settings would keep a server from following another primary, as a clause that follows its name; undefined: not as far as it says. */
export function ownSourceWhy(view: View, name: string): string | undefined {
  const own = view.read(name, TAKEOVER)?.own ?? [];
  const found = own.find((setting) => setting.name.startsWith('recovery_target')) ?? own[0];
  if (found === undefined) return undefined;
  const means =
    found.name === 'recovery_target_timeline'
      ? 'it would not go on to the timeline of another primary'
      : found.name.startsWith('recovery_target')
        ? 'as a standby it would end its recovery there, and may take writes beside another primary'
        : 'it would not find another primary';
  return `has ${found.name} of its own (${found.file}), with which ${means}`;
}

/** How a setting of a server's own is taken away, as advice. */
export function ownTakenAway(inventory: Inventory, name: string): string {
  return `take that setting away on ${name} (\`ALTER SYSTEM RESET\` where it is in postgresql.auto.conf, else the line in that file), and ${pgprov`reload ${inventory} --host ${name}`}`;
}

/** That nobody could write to a standby once it is the primary, as a clause that follows its name; undefined: not by its settings. */
export function hinderedWhy(view: View, name: string): string | undefined {
  const [found] = view.read(name, TAKEOVER)?.hinders ?? [];
  if (found === undefined) return undefined;
  const means =
    found.name === 'synchronous_standby_names'
      ? 'no commit would end before standbys have it that the inventory does not name'
      : 'it would take no writes, and the other standbys would not find it';
  return `has ${found.name} ${found.value}${found.file === '' ? '' : ` (${found.file})`}, so that as the primary ${means}: take that setting away there, and reload`;
}

/** How far the WAL of a server goes. */
export interface Reach {
  name: string;
  timeline: number;
  /** Bytes up to the end of its WAL; of a server that is down, to where its last record starts. */
  bytes: number;
  /** The server is down. */
  down: boolean;
}

/** How far a server's WAL goes; undefined where that is not known. */
export function reachOf(view: View, name: string): Reach | undefined {
  const { says, data } = serverOn(view, name) ?? {};
  if (says !== undefined) return { name, timeline: says.timeline, bytes: says.position, down: false };
  const { timeline, lastRecord } = data?.position ?? {};
  return timeline === undefined || lastRecord === undefined
    ? undefined
    : { name, timeline, bytes: Number(lsnBytes(lastRecord)), down: true };
}

/** Whether one has WAL that the other has not. */
export function isFurther(one: Reach, other: Reach): boolean {
  if (one.timeline !== other.timeline) return one.timeline > other.timeline;
  // Of one that is down it is known where its last record starts: where the other's WAL ends, that one lacks it.
  return one.down && !other.down ? one.bytes >= other.bytes : one.bytes > other.bytes;
}
