import type { Host } from './inventory.js';
import { own, type Mapping } from './mapping.js';
import type { Report } from './report.js';
import type { RoleSchema } from './role-schema.js';
import { topologyOf } from './topology.js';

/** The role of the store that the inventory names; undefined where it names none. */
export function dcsOf(top: Mapping): string | undefined {
  const dcs = own(top, 'dcs');
  return typeof dcs === 'string' ? dcs : undefined;
}

/** Reports a store that no host has the role of, where hosts have one of Patroni; one that is none the schema reports. */
export function checkDcs(
  top: Mapping,
  hosts: readonly Pick<Host, 'roles'>[],
  roles: readonly Pick<RoleSchema, 'name' | 'isStore'>[],
  report: Report,
): void {
  const dcs = dcsOf(top);
  if (!roles.some(({ name, isStore }) => name === dcs && isStore === true)) return;
  if (dcs === undefined || hosts.some(({ roles }) => roles.includes(dcs)) || hosts.every((host) => topologyOf(host) !== 'patroni')) return;
  report.add(['dcs'], `is ${dcs}, and no host has the role ${dcs}`, {
    hint: `give the role ${dcs} to the hosts that are to run it, three best, in place of another store’s`,
  });
}
