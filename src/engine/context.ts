import type { Host, Inventory } from '../model/index.js';
import type { RoleContext } from '../plan/role.js';
import { renderTemplate } from '../plan/template.js';
import type { Platform } from '../platform/index.js';
import type { NodeIdentity } from '../store/issue.js';
import type { Store } from '../store/store.js';

/** Roles whose hosts have a key pair of their own. */
const ROLES_WITH_KEYS = ['etcd', 'patroni'];

/** Whether a run of these roles brings key pairs to its hosts. */
export function bringKeys(roles: readonly { name: string }[]): boolean {
  return roles.some(({ name }) => ROLES_WITH_KEYS.includes(name));
}

/** What the certificates of an inventory's hosts must say; of those that have one. */
export function identitiesOf(inventory: Inventory): NodeIdentity[] {
  const nodes = inventory.hosts.filter((host) => host.roles.some((role) => ROLES_WITH_KEYS.includes(role)));
  return nodes.map(({ name, clusterAddress, address }) => ({ name, names: [...new Set([clusterAddress, address])] }));
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
