import { localServer, topologyOf, type Host, type Inventory, type Major, type RoleContext } from '../../../index.js';
import { dataDirectoryOf, majorVersions } from '../../../../roles/shared/layout.js';

/** A host's context with another major version of PostgreSQL, as if the inventory said that one. */
export function contextAt(context: RoleContext, version: number): RoleContext {
  const inventory = inventoryAt(context.inventory, version);
  return { ...context, inventory, host: inventory.hosts.find(({ name }) => name === context.host.name) ?? context.host };
}

function inventoryAt(inventory: Inventory, version: number): Inventory {
  return { ...inventory, hosts: inventory.hosts.map((host) => hostAt(host, version)) };
}

function hostAt(host: Host, version: number): Host {
  const own = host.vars['postgresql'];
  return own === undefined ? host : { ...host, vars: { ...host.vars, postgresql: { ...own, version } } };
}

/** Every major that the inventory may say, with the places that a member's platform has for it. */
export function majorsOf(context: RoleContext): Major[] {
  if (topologyOf(context.host) !== 'patroni') return [];
  return majorVersions()
    .toReversed()
    .map((version) => majorOf(context, version));
}

/** One of them. */
export function majorOf(context: RoleContext, version: number): Major {
  const { host, platform } = contextAt(context, version);
  return { version, path: dataDirectoryOf(host, platform), server: localServer(host, platform) };
}
