import { LEFT_UNITS, retiredHandle, retiredUnits, unitsOfOthers, type Host, type Observation, type RoleContext } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import type { LeavingRun as Run } from './options.js';

/** What is said of the store's unit on a host that has its role no more. */
const FORMER = 'former-store';

/** Asks the hosts without the store's role whether a member runs there. */
export function roleObservations(context: RoleContext): Observation[] {
  const { role } = dcsOf(context.inventory);
  return context.host.roles.includes(role) ? [] : [formerUnit(context) as Observation];
}

/** The store's unit on a host that has its role no more. */
export function formerUnit({ inventory }: RoleContext): ReturnType<typeof retiredUnits> {
  return retiredUnits(FORMER, [`${dcsOf(inventory).unit}.service`]);
}

/** The hosts that stay, and whose members of the store go: those that were chosen, or all that the inventory gives the role no more. */
export function losers(run: Run): string[] {
  const { host } = run.options;
  if (host !== undefined && host !== '') return host.split(',');
  return formerMembers(run);
}

/** The hosts of the inventory without the store's role which it counts on, or on which its unit runs that this cluster set up. */
export function formerMembers(run: Run): string[] {
  const { role } = dcsOf(run.inventory);
  return run.inventory.hosts
    .filter((host) => !host.roles.includes(role) && (isListed(run, host.name) || wasSetUp(run, host)))
    .map(({ name }) => name);
}

function wasSetUp({ view, inventory }: Run, { name }: Host): boolean {
  const { unit } = dcsOf(inventory);
  const left = view.read(name, LEFT_UNITS) ?? [];
  return left.some((found) => found.unit === unit) && !isOfOther({ view, inventory }, name);
}

/** Whether another inventory has that unit on the host. */
export function isOfOther({ view, inventory }: Pick<Run, 'view' | 'inventory'>, name: string): boolean {
  const { unit } = dcsOf(inventory);
  return unitsOfOthers(view.read(name, LEFT_UNITS), inventory.cluster).some((found) => found.unit === unit);
}

/** Whether the store counts on a host that has its role no more. */
export function isListed({ view, inventory }: Pick<Run, 'view' | 'inventory'>, name: string): boolean {
  return dcsOf(inventory).leaving?.lists(view, { name, host: undefined }) === true;
}

/** Whether the store's unit runs on a host that has its role no more, or starts at a boot. */
export function runsThere({ view }: Pick<Run, 'view'>, name: string): boolean {
  return (view.read(name, retiredHandle(FORMER)) ?? []).length > 0;
}

/** The hosts from which something is left to be taken. */
export function pending(run: Run): string[] {
  return losers(run).filter((name) => isListed(run, name) || runsThere(run, name));
}

/** Nothing is left to do, and nothing was begun. */
export function isRoleTaken(run: Run): boolean {
  const began = run.resumed === true || run.done.size > 0;
  return !began && pending(run).length === 0;
}
