import type { Host, Provenance } from './inventory.js';
import { originOf } from './layers.js';
import type { ResolvedRoles } from './layers.js';
import { own } from './mapping.js';
import type { Layer, Outline, OutlinedHost } from './outline.js';
import type { PathResolver } from './paths.js';
import { resolveSection } from './resolve.js';
import type { ResolveContext } from './resolve.js';

import type { InventorySchemas } from './schema.js';
import { sshSettings } from './ssh.js';
import type { SshConfigs } from './ssh-config.js';

/** What resolving a host needs besides its layers. */
export interface HostContext extends ResolveContext {
  outline: Outline;
  schemas: InventorySchemas;
  paths: PathResolver;
  user: string;
  sshConfigs: SshConfigs;
}

/** One host with everything about it resolved; what cannot be is reported and left out. */
export function resolveHost(
  host: OutlinedHost,
  layers: readonly Layer[],
  { names: roles, layer: listing }: ResolvedRoles,
  context: HostContext,
): Host {
  const { document, outline, schemas, report } = context;
  const rolesFrom = listing === undefined ? ({ kind: 'default' } as const) : originOf(listing, document, ['roles']);
  const sections = new Map(
    ['ssh', ...roles].map((name) => [name, resolveSection(name, schemas.sections.get(name) ?? {}, layers, context)]),
  );
  const provenance = new Map<string, Provenance>([
    ['roles', rolesFrom],
    ...[...sections.values()].flatMap((section) => section.provenance),
  ]);
  const address = stringAt(host, 'address') ?? '';
  const { settings: ssh, provenance: configured } = sshSettings(sections.get('ssh')?.values ?? {}, {
    address,
    paths: context.paths,
    user: context.user,
    configs: context.sshConfigs,
    isGiven: (key) => (provenance.get(`ssh.${key}`)?.kind ?? 'default') !== 'default',
    addProblem: (path, message) => report.addFor(path, provenance.get(path.replace(/\[\d+\]$/u, '')), message),
  });
  return {
    name: host.name,
    address,
    // An alias means something on this machine alone.
    clusterAddress: stringAt(host, 'cluster_address') ?? ssh.address,
    ssh,
    groups: outline.groups.filter((group) => group.members.includes(host.name)).map((group) => group.name),
    roles,
    vars: Object.freeze(Object.fromEntries(roles.map((name) => [name, sections.get(name)?.values ?? {}]))),
    // Roles say them of resolved variables.
    ports: [],
    protocols: [],
    entrances: [],
    patience: 1,
    provenance: withConfigured(provenance, configured),
  };
}

/** What OpenSSH's configuration gave, in its place before the roles' sections. */
function withConfigured(provenance: ReadonlyMap<string, Provenance>, configured: readonly [string, Provenance][]): Map<string, Provenance> {
  const isHead = (path: string): boolean => path === 'roles' || path.startsWith('ssh.');
  const all = [...provenance];
  return new Map([...all.filter(([path]) => isHead(path)), ...configured, ...all.filter(([path]) => !isHead(path))]);
}

function stringAt(host: OutlinedHost, key: string): string | undefined {
  const value = own(host.settings, key);
  return typeof value === 'string' ? value : undefined;
}
