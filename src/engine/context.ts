import type { Host, Inventory } from '../model/index.js';
import type { RoleContext } from '../plan/role.js';
import { renderTemplate } from '../plan/template.js';
import type { Platform } from '../platform/index.js';
import type { Store } from '../store/store.js';

/** Roles whose hosts have a key pair of their own. */
const ROLES_WITH_KEYS = ['etcd', 'patroni'];

/** Makes or finds the keys that the inventory's hosts need. */
export async function prepareStore(inventory: Inventory, store: Store): Promise<void> {
  const nodes = inventory.hosts.filter((host) => host.roles.some((role) => ROLES_WITH_KEYS.includes(role)));
  await store.prepareNodes(
    nodes.map(({ name, clusterAddress, address }) => ({ name, names: [...new Set([clusterAddress, address])] })),
  );
}

/** What a host's roles build their stages from. */
export function contextFor(
  inventory: Inventory,
  store: Store,
  host: Host,
  platform: Platform,
  platforms: ReadonlyMap<string, Platform>,
): RoleContext {
  return {
    host,
    inventory,
    platform,
    material: store,
    platformOf: (name) => platforms.get(name),
    template: renderTemplate,
  };
}
