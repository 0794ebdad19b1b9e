import {
  enumerate,
  logPlaceOf,
  memberSlots,
  promoted,
  SERVER_REPLICATION,
  synchronousBegun,
  writesGate,
  type HostStep,
  type OperationRun,
  type Resource,
  type RoleContext,
  type View,
} from '../../../index.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { dataDirectoryOf, localServer } from '../../../../roles/shared/layout.js';
import { slotsAt } from '../../../../roles/shared/streaming/servers.js';
import { synchronousOf, synchronousOptions } from '../../../../roles/shared/streaming/synchronous.js';
import { serverOn } from './seen.js';
import { notFollowingWhy } from './servers-seen.js';
import { streamsGate } from './streams-gate.js';

type Run = Pick<OperationRun<object>, 'view' | 'inventory' | 'done'>;

/** The slots that a standby needs as the primary, those of its own standbys among them. */
function slotsFor({ inventory }: Pick<Run, 'inventory'>, to: string): string[] {
  const host = inventory.hosts.find(({ name }) => name === to);
  if (host === undefined) return [];
  const { ofPrimary, ofStandby } = slotsAt({ host, inventory });
  return [...new Set([...ofPrimary, ...ofStandby])];
}

/** Those of them that are not there yet. */
export function missingSlots(run: Run, to: string): string[] {
  const slots = run.view.read(to, SERVER_REPLICATION)?.slots ?? [];
  return slotsFor(run, to).filter((wanted) => !slots.some(({ name, wal }) => name === wanted && wal !== 'lost'));
}

/** Makes them before the standby is promoted: the others connect the moment it is. */
export function slotsStep(run: Run, to: string): HostStep[] {
  const missing = missingSlots(run, to);
  if (missing.length === 0 || run.done.has('slots')) return [];
  return [
    {
      id: 'slots',
      title: `make the replication ${missing.length === 1 ? 'slot' : 'slots'} ${enumerate(missing)} on ${to}`,
      on: [to],
      resources: (context) => [slots(context, { on: 'standby', names: slotsFor(run, to), kept: [], ofMembers: [] })],
    },
  ];
}

/**
 * Slots of members that a server has, and may not keep as a standby: nobody uses them then, and they hold WAL for ever.
 * @param used also those that somebody uses now, as where the server is a primary still
 */
function leftSlots({ view, inventory }: Run, name: string, used: boolean): string[] {
  const host = inventory.hosts.find((candidate) => candidate.name === name);
  if (host === undefined) return [];
  const { ofMembers, ofStandby } = slotsAt({ host, inventory });
  const left = (view.read(name, SERVER_REPLICATION)?.slots ?? []).filter(({ type, active }) => type === 'physical' && (used || !active));
  return left.map((slot) => slot.name).filter((slot) => ofMembers.includes(slot) && !ofStandby.includes(slot));
}

/** Drops them. */
export function dropSlotsStep(run: Run, id: string, name: string, used = false): HostStep[] {
  const left = leftSlots(run, name, used);
  if (left.length === 0) return [];
  return [
    {
      id,
      title: `drop the replication ${left.length === 1 ? 'slot' : 'slots'} ${enumerate(left)} on ${name}, which nobody uses there any more`,
      on: [name],
      resources: (context) => [idleSlotsDropped(context)],
    },
  ];
}

function idleSlotsDropped(context: RoleContext): Resource {
  const { ofStandby, ofMembers } = slotsAt(context);
  return slots(context, { on: 'primary', names: [], kept: ofStandby, ofMembers });
}

function slots(
  { host, platform }: RoleContext,
  which: { on: 'primary' | 'standby'; names: readonly string[]; kept: readonly string[]; ofMembers: readonly string[] },
): Resource {
  const place = { server: localServer(host, platform), data: dataDirectoryOf(host, platform) };
  return memberSlots({ id: `take-over-slots-${which.on}`, ...place, ...which }) as Resource;
}

/** Promotes a standby; there is no way back. */
export function promoteStep(
  to: string,
  after: { from: string; checkpoint: string } | undefined,
  more: Pick<HostStep, 'title' | 'effect'>,
): HostStep {
  return {
    id: 'promote',
    ...more,
    on: [to],
    pointOfNoReturn: true,
    resources: (context) => {
      const { data: path, server } = unitServer(context);
      return [promoted({ path, server, after }) as Resource];
    },
    gates: (context) => [writesGate({ ...unitServer(context), log: logPlaceOf(context), host: to })],
  };
}

/** Waits for the other standbys, which find the new primary by themselves. */
export function othersStep({ view, done }: Run, to: string, others: readonly string[]): HostStep[] {
  const isPrimary = serverOn(view, to)?.says?.standby === false;
  const missing = isPrimary ? others.filter((name) => notFollowingWhy(view, to, name) !== undefined) : others;
  if (missing.length === 0 || done.has('others')) return [];
  return [
    {
      id: 'others',
      title: `wait until ${enumerate(missing)} ${missing.length === 1 ? 'streams' : 'stream'} from ${to}`,
      on: missing,
      gates: (context) => [streamsGate(context, [])],
    },
  ];
}

/** The standbys that commits of a new primary are to wait for. */
export function synchronousNames({ inventory }: Pick<Run, 'inventory'>, to: string): readonly string[] {
  const host = inventory.hosts.find(({ name }) => name === to);
  return host === undefined ? [] : synchronousOf(host).names;
}

/**
 * Has commits of the new primary wait for its standbys, as the inventory says.
 * @param able servers that stream from it in the end: only where all that are named do, commits are made to wait
 */
export function synchronousStep(run: Run, to: string, able: readonly string[]): HostStep[] {
  const names = synchronousNames(run, to);
  if (names.length === 0 || !names.every((name) => able.includes(name)) || isSynchronous(run.view, to)) return [];
  return [
    {
      id: 'synchronous',
      title: `have commits of ${to} wait for synchronous standbys`,
      on: [to],
      resources: (context) => [synchronousBegun(synchronousOptions(context)) as Resource],
    },
  ];
}

function isSynchronous(view: View, to: string): boolean {
  const { says } = serverOn(view, to) ?? {};
  return says?.standby === false && says.sends.some(({ sync }) => sync === 'sync' || sync === 'quorum');
}

/** That commits wait for nobody for the time being, as sentences; none where they do, or need not. */
export function notSynchronousText(run: Run, to: string): string[] {
  if (synchronousNames(run, to).length === 0 || isSynchronous(run.view, to)) return [];
  return [
    `Not all of ${enumerate(synchronousNames(run, to))} stream, so commits of ${to} wait for no standby; the next apply sees to it when they do`,
  ];
}
