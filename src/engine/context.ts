import type { Host, Inventory } from '../model/index.js';
import type { RoleContext } from '../plan/role.js';
import { renderTemplate } from '../plan/template.js';
import type { Platform } from '../platform/index.js';
import type { Store } from '../store/store.js';

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
    credentials: store,
    platformOf: (name) => platforms.get(name),
    template: renderTemplate,
  };
}
