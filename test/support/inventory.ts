import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOG } from '../../roles/index.js';
import { Secret } from '../../src/lib/secret.js';
import { loadInventory, type Host, type Inventory } from '../../src/model/index.js';
import type { Platform } from '../../src/platform/index.js';
import { debian13 } from '../../src/platform/debian.js';
import type { Role, RoleContext } from '../../src/plan/role.js';
import { renderTemplate } from '../../src/plan/template.js';
import type { ClusterCredentials } from '../../src/store/cluster-credentials.js';

/** Three members, as most clusters have. */
export const THREE = `cluster: demo
hosts:
  pg1: {address: 192.0.2.1, cluster_address: 10.0.0.1}
  pg2: {address: 192.0.2.2, cluster_address: 10.0.0.2}
  pg3: {address: 192.0.2.3, cluster_address: 10.0.0.3}
`;

/** An inventory from its YAML, with the roles that come with pgprov unless others are given. */
export async function inventoryOf(yaml: string, roles: readonly Role[] = CATALOG): Promise<Inventory> {
  const directory = mkdtempSync(join(tmpdir(), 'pgprov-inventory-'));
  try {
    const path = join(directory, 'inventory.yml');
    writeFileSync(path, yaml);
    return await loadInventory(path, { roles, env: { HOME: '/home/op', USER: 'op' } });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Keys and passwords that are the same in every test. */
export const MATERIAL: ClusterCredentials = {
  generated: [],
  caCertificate: 'CA\n',
  knowsAuthority: (pem) => pem === 'CA\n',
  node: (host) => ({ certificate: `certificate of ${host}\n`, key: new Secret(`key of ${host}\n`) }),
  password: (path, given) => (given instanceof Secret ? given : new Secret(`made-for-${path}`)),
  former: () => undefined,
  revocationList: undefined,
  revoked: [],
};

/** What a host's roles build from. */
export function contextOf(inventory: Inventory, name: string, platform: Platform = debian13): RoleContext {
  return {
    host: hostOf(inventory, name),
    inventory,
    platform,
    credentials: MATERIAL,
    platformOf: () => platform,
    template: renderTemplate,
  };
}

/** The host of that name. */
export function hostOf(inventory: Inventory, name: string): Host {
  const host = inventory.hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new Error(`no host ${name}`);
  return host;
}
