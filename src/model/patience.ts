import type { Host } from './inventory.js';
import type { RoleSchema } from './role-schema.js';

/** How many times longer than usual a host is waited for, by what its roles say. */
export function patienceWith(host: Host, catalog: readonly RoleSchema[]): number {
  return Math.max(1, ...catalog.filter(({ name }) => host.roles.includes(name)).map((role) => role.patience?.(host) ?? 1));
}

/** The same for what waits for several hosts at once. */
export function patienceFor(hosts: readonly Pick<Host, 'patience'>[]): number {
  return Math.max(1, ...hosts.map(({ patience }) => patience));
}
