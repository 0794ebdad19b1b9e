import {
  DATA_DIRECTORY,
  DCS,
  PHYSICAL_SLOTS,
  physicalSlots,
  REACHABILITY,
  retiredHandle,
  retiredUnits,
  slotNameOf,
  topologyOf,
  type Host,
  type Observation,
  type RoleContext,
} from '../../../index.js';
import { backupUnit, BACKUP_TYPES } from '../../../../roles/shared/backup/schedule.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { HAPROXY_UNIT } from '../../../../roles/shared/haproxy/config-file.js';
import { hostsWith, localServer } from '../../../../roles/shared/layout.js';
import { KEEPALIVED_UNIT } from '../../../../roles/shared/vip/config-file.js';
import { dynamicOf, leaderOf, leastBehind, listedBy } from '../members.js';
import { memberRuns, runningOf } from '../stopped.js';
import type { LeavingRun as Run } from './options.js';

/** What is said of the units of the host that is to go: those of the store come last. */
const SERVICES = 'services';
const STORE = 'store';

/** Its name. */
export function nameOf({ options: { host = '' } }: Pick<Run, 'options'>): string {
  return host;
}

/** The host that is to go; undefined where the inventory has it no more. */
export function leavingHost(run: Pick<Run, 'inventory' | 'options'>): Host | undefined {
  return run.inventory.hosts.find(({ name }) => name === nameOf(run));
}

/** The hosts that stay. */
export function stayingHosts(run: Pick<Run, 'inventory' | 'options'>): Host[] {
  return run.inventory.hosts.filter(({ name, roles }) => name !== nameOf(run) && roles.length > 0);
}

/** The members of Patroni that stay; whoever takes the place of the one that goes is none yet. */
export function stayingMembers(run: Pick<Run, 'inventory' | 'options'>): Host[] {
  return hostsWith({ hosts: stayingHosts(run) }, 'patroni').filter(({ name }) => name !== run.options.by);
}

/** The members of the store that stay; likewise. */
export function stayingInStore(run: Pick<Run, 'inventory' | 'options'>): Host[] {
  return hostsWith({ hosts: stayingHosts(run) }, dcsOf(run.inventory).role).filter(({ name }) => name !== run.options.by);
}

/** Whether a step was taken already, by this command or an earlier one. */
export function hasBegun({ resumed, done }: Pick<Run, 'resumed' | 'done'>): boolean {
  return resumed === true || done.size > 0;
}

/** Whether its machine was taken for dead when it was begun, and answers now. */
export function isBack(run: Run): boolean {
  return run.options.dead === true && hasBegun(run) && !isInPlace(run) && leavingHost(run) !== undefined && run.view.surveyed(nameOf(run));
}

/**
 * Who leads once it is out: the present leader, or in its own place who was chosen, or, where it came to lead since, the one that is the least
 * behind.
 */
export function leaderThen(run: Run): string | undefined {
  const { view, options } = run;
  const leader = leaderOf(view);
  if (leader !== nameOf(run)) return leader;
  if (options.to !== undefined && options.to !== '') return options.to;
  const others = stayingMembers(run).map(({ name }) => name);
  return leastBehind(view, others);
}

/** Other hosts that are absent in the inventory and members of the store yet: another operation takes them out, and nothing tells whether they work. */
export function absentInStore(run: Pick<Run, 'inventory' | 'options' | 'view'>): string[] {
  const listed = dcsOf(run.inventory).memberNames(run.view);
  return run.inventory.absent.map(({ name }) => name).filter((name) => name !== nameOf(run) && listed.includes(name));
}

/** Whether a new machine takes the name of the one that goes. */
export function isInPlace({ options: { host, by } }: Pick<Run, 'options'>): boolean {
  return by !== undefined && by === host;
}

/** Whether a host has data, of a server or of the store. */
export function hasData({ view, inventory }: Run, host: string): boolean {
  return view.read(host, DATA_DIRECTORY)?.kind === 'cluster' || dcsOf(inventory).hasData(view, host) === true;
}

/** Asks the members for their slots, and the host that is to go for what runs there. */
export function leavingObservations(context: RoleContext, { options }: Pick<Run, 'options'>): Observation[] {
  const { host, platform } = context;
  const slots = topologyOf(host) === 'patroni' ? [physicalSlots(localServer(host, platform)) as Observation] : [];
  if (host.name !== options.host) return slots;
  return [...slots, ...memberRuns(context), ...retired(context)];
}

/** Its units but Patroni's, which do not run any more: services, and the store when that can do without it. */
export function retired(context: RoleContext): ReturnType<typeof retiredUnits>[] {
  const { host, platform, inventory } = context;
  const { runsOn, unit } = dcsOf(inventory);
  const has = (name: string, ...units: string[]): string[] => (host.roles.includes(name) ? units : []);
  const timers = BACKUP_TYPES.map((type) => `${backupUnit(type)}.timer`);
  const services = [
    ...has('vip', `${KEEPALIVED_UNIT}.service`),
    ...has('haproxy', `${HAPROXY_UNIT}.service`),
    ...has('pgbouncer', `${platform.pgbouncer.unit}.service`),
    ...has('backup', ...timers, `${platform.pgbackrest.unit}.service`),
  ];
  return [retiredUnits(SERVICES, services), retiredUnits(STORE, runsOn(host) ? [`${unit}.service`] : [])];
}

/** Whether something of it runs, or starts at a boot, besides the store. */
export function servesThere({ view, options }: Run): boolean {
  const runs = runningOf(view, nameOf({ options }));
  const services = view.read(nameOf({ options }), retiredHandle(SERVICES)) ?? [];
  return services.length > 0 || (runs !== undefined && (runs.patroni || runs.postgresql || runs.enabled));
}

/** Whether its member of the store runs, or starts at a boot. */
export function storeRunsThere({ view, options }: Run): boolean {
  return (view.read(nameOf({ options }), retiredHandle(STORE)) ?? []).length > 0;
}

/** Whether the store still counts on it, or on the former member of its name. */
export function isInStore(run: Run): boolean {
  // A member that has data joined under that name since the former one went.
  if (isInPlace(run) && dcsOf(run.inventory).hasData(run.view, nameOf(run)) === true) return false;
  return dcsOf(run.inventory).leaving?.lists(run.view, { name: nameOf(run), host: leavingHost(run) }) === true;
}

/** Whether Patroni has it as a member, by the leader's list or by the key that the member renews. */
export function isInPatroni(run: Run): boolean {
  if (isInPlace(run) && run.view.read(nameOf(run), DATA_DIRECTORY)?.kind === 'cluster') return false;
  const leader = leaderOf(run.view);
  return (leader !== undefined && listedBy(run.view, leader, nameOf(run)) !== undefined) || keyOf(run) !== undefined;
}

/** What its Patroni last registered, while that is there: the key goes with its lease. */
export function keyOf(run: Run): { state: string } | undefined {
  for (const { name } of stayingMembers(run)) {
    const store = run.view.read(name, DCS);
    if (store?.reachable === true) return store.members.find((member) => member.name === nameOf(run));
  }
  return undefined;
}

/** The members that stay and have a slot for it which nobody else uses. */
export function slotsLeft(run: Run): string[] {
  const { view } = run;
  const slot = slotNameOf(nameOf(run));
  const members = stayingMembers(run).map(({ name }) => name);
  const given = dynamicOf(view)['slots'];
  // Who comes under that name needs it.
  if (isInPlace(run)) return [];
  const isGiven = typeof given === 'object' && given !== null && Object.keys(given).includes(slot);
  if (isGiven || members.some((name) => slotNameOf(name) === slot)) return [];
  return members.filter((name) => view.read(name, PHYSICAL_SLOTS)?.includes(slot) === true);
}

/** Hosts that get an answer from the one that is to go, be it a refusal. */
export function answeredFrom(run: Run): string[] {
  const host = leavingHost(run);
  if (host === undefined) return [];
  return stayingHosts(run).flatMap(({ name }) => {
    const tried = run.view.read(name, REACHABILITY) ?? [];
    return tried.some(({ address, result }) => address === host.clusterAddress && (result === 'open' || result === 'refused'))
      ? [name]
      : [];
  });
}

/** Whether anything of the cluster still knows it. */
export function isKnown(run: Run): boolean {
  return isInStore(run) || isInPatroni(run) || slotsLeft(run).length > 0;
}

/** Whether the inventory has it as one of the cluster's. */
export function isWanted(run: Pick<Run, 'inventory' | 'options'>): boolean {
  return leavingHost(run) !== undefined && !isInPlace(run) && !run.inventory.absent.some(({ name }) => name === nameOf(run));
}
