import type { Host } from './inventory.js';
import { originOf } from './layers.js';
import type { ResolvedRoles } from './layers.js';
import { own } from './mapping.js';
import type { Layer, Outline, OutlinedHost } from './outline.js';
import type { PathResolver } from './paths.js';
import { resolveSection } from './resolve.js';
import type { ResolveContext } from './resolve.js';

import type { InventorySchemas } from './schema.js';
import { sshSettings } from './ssh.js';

/** What resolving a host needs besides its layers. */
export interface HostContext extends ResolveContext {
  outline: Outline;
  schemas: InventorySchemas;
  paths: PathResolver;
  user: string;
}

/** One host with everything about it resolved; what cannot be is reported and left out. */
export function resolveHost(host: OutlinedHost, layers: readonly Layer[], { names: roles, layer: listing }: ResolvedRoles, context: HostContext): Host {
  const { document, outline, schemas, report } = context;
  const rolesFrom = listing === undefined ? ({ kind: 'default' } as const) : originOf(listing, document, ['roles']);
  const sections = new Map(
    ['ssh', ...roles].map((name) => [name, resolveSection(name, schemas.sections.get(name) ?? {}, layers, context)]),
  );
  const provenance = new Map([['roles', rolesFrom], ...[...sections.values()].flatMap((section) => section.provenance)]);
  const ssh = sshSettings(sections.get('ssh')?.values ?? {}, context.paths, context.user, (index, message) => {
    report.addFor(`ssh.jump[${index}]`, provenance.get('ssh.jump'), message);
  });
  const address = stringAt(host, 'address') ?? '';
  return {
    name: host.name,
    address,
    clusterAddress: stringAt(host, 'cluster_address') ?? address,
    ssh,
    groups: outline.groups.filter((group) => group.members.includes(host.name)).map((group) => group.name),
    roles,
    vars: Object.freeze(Object.fromEntries(roles.map((name) => [name, sections.get(name)?.values ?? {}]))),
    provenance,
  };
}

function stringAt(host: OutlinedHost, key: string): string | undefined {
  const value = own(host.settings, key);
  return typeof value === 'string' ? value : undefined;
}
