import {
  DATA_DIRECTORY,
  enumerate,
  formatBytes,
  hasCheckpoint,
  PENDING_RESTART,
  pgprov,
  REPLICATION_LOGIN,
  SERVER_LIMITS,
  SERVER_REPLICATION,
  STANDBY_COPY,
  STANDBY_LIMITS,
  TAKEOVER,
  type Inventory,
  type OperationObjection,
  type StandbyLimit,
  type View,
} from '../../../index.js';
import { guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { REPLAY_PAUSED } from '../../../../roles/shared/streaming/seen.js';
import { serverNames, serverOn } from './seen.js';
import { hinderedWhy, isFurther, notFollowingWhy, othersThan, ownSourceWhy, ownTakenAway, reachOf, upstreamNamed } from './servers-seen.js';
import { missingSlots } from './take-over.js';

/** A standby that is to take over from a primary. */
export interface HandOver {
  view: View;
  inventory: Inventory;
  from: string;
  to: string;
  done: ReadonlySet<string>;
}

/** A standby that has more left to replay keeps writes waiting for as long as that takes. */
const LITTLE = 16 * 1024 * 1024;

function refuse(message: string, hint: string): OperationObjection {
  return { kind: 'refuse', message, hint };
}

/** Why no standby can take over from a primary that runs, whichever it is. */
export function primaryObjections(view: View): OperationObjection[] {
  const found = guardStreaming(view);
  if (found.length > 0) return found.map(({ decisive: _decisive, ...objection }) => objection);
  const copying = view.hosts('replication').filter(({ name }) => view.read(name, STANDBY_COPY)?.copying === true);
  if (copying.length === 0) return [];
  const names = enumerate(copying.map(({ name }) => name));
  return [
    refuse(`${names} ${copying.length === 1 ? 'is' : 'are'} being copied from the primary, which would break off`, 'wait until it is done'),
  ];
}

/** Why this standby cannot take over, as a clause that follows its name; `passes`: it may pass by itself. */
export function unfitWhy({ view, inventory, from, to, done }: HandOver): { why: string; passes?: true } | undefined {
  const streaming = notFollowingWhy(view, from, to);
  if (streaming !== undefined) return { why: streaming, ...(view.surveyed(to) ? { passes: true as const } : {}) };
  const upstream = upstreamNamed(inventory, to);
  if (upstream !== undefined)
    return { why: `is a standby of ${upstream} (replication.upstream): take that out of the inventory, and apply it, first` };
  const { says } = serverOn(view, to) ?? {};
  if (says?.paused === true) return { why: REPLAY_PAUSED };
  const lag = view.read(from, SERVER_REPLICATION)?.sends.find(({ name }) => name === to)?.replayLagBytes ?? 0;
  if (lag > LITTLE)
    return { why: `has ${formatBytes(lag)} of WAL left to replay, and more than ${formatBytes(LITTLE)} is too much`, passes: true };
  const reason =
    hinderedWhy(view, to) ??
    roomWhy({ view, inventory, from, to, done }) ??
    limitsWhy(view, inventory, to) ??
    loginWhy(view, inventory, to);
  return reason === undefined ? undefined : { why: reason };
}

/** Its own settings do not let it have standbys. */
function roomWhy({ view, inventory, to, done }: HandOver): string | undefined {
  const own = view.read(to, TAKEOVER);
  if (own === undefined) return undefined;
  if (own.walLevel === 'minimal') return 'has wal_level minimal, with which nobody can stream from it';
  const missing = missingSlots({ view, inventory, done }, to).length;
  const { most, used } = own.slots;
  if (used + missing > most) return `has ${used} replication slots of ${most} (max_replication_slots), and needs ${missing} more`;
  const senders = view.read(to, SERVER_LIMITS)?.running?.max_wal_senders;
  const standbys = othersThan(inventory, to).length;
  return senders !== undefined && senders < standbys ? `has max_wal_senders ${senders}, and there are ${standbys} standbys` : undefined;
}

/** A standby replays only with limits that are at least those of its primary. */
function limitsWhy(view: View, inventory: Inventory, to: string): string | undefined {
  const own = view.read(to, SERVER_LIMITS)?.running ?? {};
  for (const name of othersThan(inventory, to)) {
    const running = view.read(name, SERVER_LIMITS)?.running ?? {};
    const pending = view.read(name, PENDING_RESTART) ?? [];
    const isPrimary = serverOn(view, name)?.says?.standby === false;
    for (const limit of Object.keys(STANDBY_LIMITS) as StandbyLimit[]) {
      const [here, there] = [own[limit], running[limit]];
      // The former primary is restarted, and so takes up what is pending there.
      if (here === undefined || there === undefined || there >= here || (isPrimary && pending.includes(limit))) continue;
      return `has ${limit} ${here}, and ${name} only ${there}, with which it could not replay: restart ${name} first, where that is pending, or apply`;
    }
  }
  return undefined;
}

/** A server that cannot log in there would not stream from it. */
function loginWhy(view: View, inventory: Inventory, to: string): string | undefined {
  const address = inventory.hosts.find(({ name }) => name === to)?.clusterAddress;
  for (const name of othersThan(inventory, to)) {
    const error = view.read(name, REPLICATION_LOGIN)?.find((login) => login.address === address)?.error;
    if (error !== undefined) return `is not reached from ${name}: ${error}`;
  }
  return undefined;
}

/** Why this standby cannot take over from the primary, which still runs. */
export function cannotTakeOver(handOver: HandOver): OperationObjection[] {
  const found = unfitWhy(handOver);
  if (found === undefined) return [];
  const { inventory, to } = handOver;
  const hint = `nothing was changed; see ${pgprov`status ${inventory}`}, or leave out --to for the standby that is the least behind`;
  return [{ ...refuse(`${to} cannot take over: it ${found.why}`, hint), ...(found.passes === true ? { settles: true as const } : {}) }];
}

/** Why no standby at all can. */
export function noneCanTakeOver(handOver: Omit<HandOver, 'to'>): OperationObjection[] {
  const { inventory, from } = handOver;
  const others = othersThan(inventory, from).map((to) => ({ to, found: unfitWhy({ ...handOver, to }) }));
  const reasons = others.map(({ to, found }) => `\n  ${to} ${found?.why ?? 'could'}`);
  const passes = others.length > 0 && others.some(({ found }) => found?.passes === true);
  return [
    {
      ...refuse(
        `no standby can take over from ${from}:${reasons.join('') || ' there is none'}`,
        `nothing was changed; see ${pgprov`status ${inventory}`}`,
      ),
      ...(passes ? { settles: true as const } : {}),
    },
  ];
}

/** A primary whose own settings would not let it follow the next one: once that was promoted it is too late to find out. */
export function cannotFollow({ view, inventory, from }: Omit<HandOver, 'to'>): OperationObjection[] {
  const own = ownSourceWhy(view, from);
  if (own === undefined) return [];
  return [refuse(`${from} could not become a standby: it ${own}`, `nothing was changed; ${ownTakenAway(inventory, from)}`)];
}

/** The last checkpoint of a primary that has stopped cleanly and is held from taking writes; undefined: it is no such. */
export function heldAt(view: View, from: string): string | undefined {
  const { data, signal, says } = serverOn(view, from) ?? {};
  if (data === undefined || says !== undefined || data.running || signal !== true) return undefined;
  const { position, clusterState = '' } = data;
  const isClean = clusterState.startsWith('shut down') && position?.atRest === true && position.lastRecord === position.checkpoint;
  return isClean ? position?.checkpoint : undefined;
}

/** Whether a standby has all that the primary which stopped has written. */
export function hasAll(view: View, from: string, to: string): boolean {
  const { says } = serverOn(view, to) ?? {};
  if (says?.standby !== true || says.replayed !== says.position) return false;
  if (runsAsStandby(view, from)) {
    const [other, own] = [reachOf(view, from), reachOf(view, to)];
    return other !== undefined && own !== undefined && !isFurther(other, own);
  }
  return hasCheckpoint(view.read(to, DATA_DIRECTORY), heldAt(view, from));
}

/** A primary that was held and has been started since, as its host was. */
export function runsAsStandby(view: View, from: string): boolean {
  const { says, signal } = serverOn(view, from) ?? {};
  return says?.standby === true && signal === true;
}

/** What speaks against going on when the former primary takes no writes any more and nobody was promoted. */
export function midwayObjections({ view, inventory, from, to, done }: HandOver): OperationObjection[] {
  const away = [from, to].filter((name) => !view.surveyed(name));
  const lost = pgprov`failover ${inventory}`;
  if (away.length > 0) {
    const message = `${enumerate(away)} cannot be reached, and no server is seen that takes writes: ${from} was stopped for ${to}, and whether ${to} has all that it wrote, or is the primary already, has to be asked`;
    return [
      {
        kind: 'unreachable',
        message,
        hint: `give the same command again when ${away.length === 1 ? 'it answers' : 'they answer'}; where it is lost: ${lost}`,
      },
    ];
  }
  const held = heldAt(view, from);
  if (held === undefined && !runsAsStandby(view, from)) {
    const seen = serverOn(view, from);
    const why = seen?.data.running === true ? 'takes no connections, and has not stopped yet' : 'did not stop cleanly';
    return [
      {
        ...refuse(
          `${from} ${why}, so ${to} is not promoted: it may lack what ${from} wrote last`,
          `see ${pgprov`logs ${inventory} --host ${from}`}; start ${from} again, or where it is lost: ${lost}`,
        ),
        settles: true,
      },
    ];
  }
  if (serverOn(view, to)?.says?.standby !== true)
    return [
      {
        ...refuse(
          `${to} does not answer, and was to take over from ${from}`,
          `start it, and give the same command again; where it is lost: ${lost}`,
        ),
        settles: true,
      },
    ];
  if (runsAsStandby(view, from) && !hasAll(view, from, to))
    return [
      {
        ...refuse(
          `${to} lacks WAL of ${from}, which was the primary and runs as a standby`,
          `keep ${from}: ${pgprov`failover ${inventory} --to ${from}`}`,
        ),
        settles: true,
      },
    ];
  if (done.has('catch-up') && !hasAll(view, from, to))
    return [
      refuse(`${to} has not replayed all that ${from} wrote, so it is not promoted`, `see ${pgprov`logs ${inventory} --host ${to}`}`),
    ];
  return [];
}

/** No server takes writes, and none was stopped for another. */
export function nobodyLeads(view: View, inventory: Inventory): OperationObjection[] {
  const away = serverNames({ inventory }).filter((name) => !view.surveyed(name));
  const lost = pgprov`failover ${inventory}`;
  if (away.length > 0) {
    const hint = `see why with ${pgprov`ping ${inventory}`}; where the host of the primary is lost: ${lost}`;
    return [refuse(`no server that answers is the primary; ${enumerate(away)} cannot be reached`, hint)];
  }
  const found = guardStreaming(view);
  if (found.length > 0) return found.map(({ decisive: _decisive, ...objection }) => objection);
  const hint = `start it (${pgprov`apply ${inventory}`}); where it is lost: ${lost}`;
  return [{ ...refuse('the primary takes no connections, so nothing can be handed over', hint), settles: true }];
}
