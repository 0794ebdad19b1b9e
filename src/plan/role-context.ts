import type { Host, Inventory } from '../model/index.js';
import type { Platform } from '../platform/index.js';
import type { ClusterCredentials } from '../store/cluster-credentials.js';

/** What a role builds its stages from: the inventory, never what was probed. */
export interface RoleContext {
  host: Host;
  inventory: Inventory;
  platform: Platform;
  credentials: ClusterCredentials;
  /** Platform of another host; undefined until it was surveyed once. */
  platformOf(host: string): Platform | undefined;
  /** Renders templates/<name>.hbs, for a role of the user's own beside its file; strictly: a missing variable is an error. */
  template(name: string, data: object): string;
}
