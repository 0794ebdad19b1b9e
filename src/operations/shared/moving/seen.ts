import {
  DCS,
  PATRONI_MEMBER,
  physicalSlots,
  RUNNING,
  sourceAddress,
  topologyOf,
  withFormer,
  type Host,
  type Inventory,
  type Observation,
  type RoleContext,
  type View,
} from '../../../index.js';
import { variables } from '../../../../roles/shared/variables.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostPort, hostsWith, localServer } from '../../../../roles/shared/layout.js';
import type { LeavingRun } from '../leaving/options.js';
import { isInPatroni, retired, slotsLeft, storeRunsThere } from '../leaving/seen.js';
import { NONE_KEPT, slotsTtlOf } from '../leaving/slots-ttl.js';
import { memberRuns, runningOf } from '../stopped.js';
import type { MovingOptions, MovingRun as Run } from './options.js';

/** The host by the name that the inventory has, which is the new one. */
export function nameOf({ options: { host = '', to } }: Pick<Run, 'options'>): string {
  return to ?? host;
}

/** The inventory that says what its member may have of a former name or address. */
export function asMoving(inventory: Inventory, options: MovingOptions): Inventory {
  const { host, to, from = '' } = options;
  return withFormer(inventory, nameOf({ options }), to === undefined || host === undefined ? { address: from } : { name: host });
}

/** The host; undefined where the inventory has none of that name. */
export function movingHost(run: Pick<Run, 'inventory' | 'options'>): Host | undefined {
  return run.inventory.hosts.find(({ name }) => name === nameOf(run));
}

/** All other hosts. */
export function otherHosts(run: Pick<Run, 'inventory' | 'options'>): Host[] {
  return run.inventory.hosts.filter(({ name, roles }) => name !== nameOf(run) && roles.length > 0);
}

/** The other members of Patroni. */
export function otherMembers(run: Pick<Run, 'inventory' | 'options'>): string[] {
  return hostsWith({ hosts: otherHosts(run) }, 'patroni').map(({ name }) => name);
}

/** The other members of the store. */
export function othersInStore(run: Pick<Run, 'inventory' | 'options'>): string[] {
  return hostsWith({ hosts: otherHosts(run) }, dcsOf(run.inventory).role).map(({ name }) => name);
}

/** Asks the members for their slots, and the host that moves for what runs there. */
export function movingObservations(context: RoleContext, { options }: Pick<Run, 'options'>): Observation[] {
  const { host, platform } = context;
  const slots = topologyOf(host) === 'patroni' ? [physicalSlots(localServer(host, platform)) as Observation] : [];
  if (host.name !== nameOf({ options })) return slots;
  const others = context.inventory.hosts.filter(({ name }) => name !== host.name).map(({ clusterAddress }) => clusterAddress);
  return [...slots, ...memberRuns(context), ...retired(context), sourceAddress(others)];
}

/** The name that its Patroni has now, where it runs. */
export function nameNow(run: Run): string {
  const member = run.view.read(nameOf(run), PATRONI_MEMBER);
  return member?.answers === true && member.name === run.options.host ? (run.options.host ?? '') : nameOf(run);
}

/** What was seen, with the host by the name that its Patroni has now: what members tell of each other goes by these. */
export function asNamedNow(run: Run): { view: View; inventory: Inventory } {
  const view = run.view.called(nameOf(run), nameNow(run));
  return { view, inventory: view.inventory };
}

/** Whether its Patroni or its PostgreSQL runs. */
export function runs(run: Run): boolean {
  const seen = runningOf(run.view, nameOf(run));
  return seen !== undefined && (seen.patroni || seen.postgresql);
}

/** Whether its member of the store runs, or starts at a boot. */
export function storeRuns(run: Run): boolean {
  return storeRunsThere(asLeaving(run));
}

/** The name under which Patroni and the store have what is to go. */
export function asLeaving(run: Run): LeavingRun {
  const { host = nameOf(run), slotsTtl } = run.options;
  return { ...run, options: { host: run.options.to === undefined ? nameOf(run) : host, ...(slotsTtl === undefined ? {} : { slotsTtl }) } };
}

/** What its Patroni runs with, or ran with last: the name, and the address by which the others reach its server. */
export function patroniHas(run: Run): { name: string; address: string } | undefined {
  const file = run.view.read(nameOf(run), RUNNING)?.patroniFile;
  return file && { name: file.name, address: file.connectAddress };
}

/** Where the others are to reach its server, `10.0.0.11:5432`; undefined: it has none. */
export function serverAddress(run: Run): string | undefined {
  const host = movingHost(run);
  return host === undefined || topologyOf(host) !== 'patroni'
    ? undefined
    : hostPort(host.clusterAddress, variables(host, 'postgresql').port);
}

/** Whether its Patroni is, or was last, another member than the inventory says: of the former name, or at the former address. */
export function isFormerMember(run: Run): boolean {
  const has = patroniHas(run);
  const wanted = serverAddress(run);
  if (has === undefined || wanted === undefined) return false;
  return run.options.to === undefined ? has.address !== wanted : has.name !== nameOf(run);
}

/** Whether the others have its member of the store at the former address; undefined: nobody tells, or it has none. */
export function isFormerAddressInStore(run: Run): boolean | undefined {
  const host = movingHost(run);
  const { moving, role } = dcsOf(run.inventory);
  if (host === undefined || run.options.to !== undefined || !host.roles.includes(role)) return undefined;
  const listed = moving?.listed(run.view, host);
  return listed && !listed.isAtAddress;
}

/** Whether Patroni has it still under the former name, or at the former address. */
export function isFormerKnown(run: Run): boolean {
  if (run.options.to !== undefined) return isInPatroni(asLeaving(run)) || slotsLeft(asLeaving(run)).length > 0;
  const wanted = serverAddress(run);
  return hostsWith(run.inventory, 'patroni').some(({ name }) => {
    const store = run.view.read(name, DCS);
    const member = store?.reachable === true ? store.members.find((each) => each.name === nameOf(run)) : undefined;
    return member !== undefined && wanted !== undefined && /^postgres(?:ql)?:\/\/([^/]+)/u.exec(member.connUrl)?.[1] !== wanted;
  });
}

/** Whether the store calls its member by the former name. */
function isFormerNameInStore(run: Run): boolean {
  const host = movingHost(run);
  if (host === undefined || run.options.to === undefined) return false;
  return dcsOf(run.inventory).moving?.listed(run.view, host)?.name === run.options.host;
}

/** Nothing is left to do, and nothing was begun. */
export function isOver(run: Run): boolean {
  const isLeft = run.resumed === true || run.done.size > 0 || (run.options.to !== undefined && slotsTtlOf(run) === NONE_KEPT);
  return !isLeft && !isFormerMember(run) && isFormerAddressInStore(run) !== true && !isFormerKnown(run) && !isFormerNameInStore(run);
}
