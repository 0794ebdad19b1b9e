import type { Inventory, View } from '../../src/index.js';
import type { Dcs } from './dcs.js';
import { STORES } from './stores.js';

/** The store of an inventory's cluster: the one whose role its hosts have. */
export function dcsOf({ hosts }: Pick<Inventory, 'hosts'>): Dcs {
  return STORES.find(({ role }) => hosts.some(({ roles }) => roles.includes(role))) ?? STORES[0];
}

/** Every host of the store was asked, and none has data: it was never started there, or all have lost what they had. */
export function isNewStore(view: View): boolean {
  const { role, hasData } = dcsOf(view.inventory);
  return view.complete(role) && view.hosts(role).every(({ name }) => hasData(view, name) === false);
}
