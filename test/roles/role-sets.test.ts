import { expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { Secret } from '../../src/lib/secret.js';
import type { Inventory } from '../../src/model/index.js';
import { View } from '../../src/plan/view.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { contextOf, inventoryOf, MATERIAL } from '../support/inventory.js';

/** Sets of roles that hold what each of them requires. */
const SETS = [
  [],
  ['pgdg'],
  ['pgdg', 'postgresql'],
  ['pgdg', 'postgresql', 'replication'],
  ['pgdg', 'postgresql', 'replication', 'patroni'],
].flatMap((database) =>
  [[], ['etcd']].flatMap((etcd) =>
    [[], ['firewall']].flatMap((firewall) => [[], ['base']].map((base) => [...base, ...firewall, ...etcd, ...database])),
  ),
);

const ALL = CATALOG.map(({ name }) => name);
/** Backups are for all members or for none. */
const BACKUP = ['backup', 'backup-repository'];
const ALL_BUT_BACKUP = ALL.filter((name) => !BACKUP.includes(name));
const PASSWORDS = { password: new Secret('new'), former: new Secret('former') };
const FACTS = { os: 'debian', version: '13', architecture: 'x86_64', systemd: true, memory: 2 ** 33, clock: 0 };

/** An inventory in which the hosts have these roles; undefined where it is refused. */
async function inventoryWith(sets: readonly (readonly string[])[]): Promise<Inventory | undefined> {
  const hosts = sets.map((roles, index) => `  pg${index + 1}: {address: 192.0.2.${index + 1}, roles: [${roles.join(', ')}]}`);
  return inventoryOf(`cluster: demo\nhosts:\n${hosts.join('\n')}\nvip: {address: 192.0.2.100/24}\n`).catch(() => undefined);
}

/** Asks every role of every host all that it is asked in a run. */
function askAll(inventory: Inventory): void {
  const names = inventory.hosts.map(({ name }) => name);
  const view = new View(inventory, new Map(names.map((name) => [name, new Map([[HOST_FACTS.id, FACTS]])])));
  const part = { hosts: new Set(names), roles: new Set(ALL), complete: true } as unknown as Parameters<
    NonNullable<(typeof CATALOG)[number]['missingPrerequisites']>
  >[1];
  for (const role of CATALOG) {
    const hosts = inventory.hosts.filter(({ roles }) => roles.includes(role.name));
    if (hosts.length === 0) continue;
    role.problems?.(hosts, inventory);
    // These are asked of every host of a run, whatever its roles.
    for (const name of names) role.remarks?.(view, name);
    for (const { name } of hosts) {
      const context = contextOf(inventory, name);
      role.contributes?.(context.host, inventory.cluster);
      role.install?.(context);
      role.observations?.(context);
      role.inspections?.(context);
      role.stages(context);
      role.status?.(view, context.host);
      role.holdsData?.(view, name);
      role.leadership?.leads(view, name);
      const identity = role.tls?.(context.host, context.inventory);
      identity?.copies(context.platform);
      identity?.inUse?.(view, context.host, undefined);
      for (const { logins } of role.passwords?.() ?? []) logins(context, PASSWORDS);
    }
    role.preflight?.(view);
    role.missingPrerequisites?.(view, part);
    role.guards?.(view, MATERIAL);
    role.notices?.(view);
    role.effects?.(view);
    role.drift?.(view);
    role.checks?.(view);
  }
}

it('no role reads variables of a role that its host does not have', { timeout: 120_000 }, async () => {
  const withBackup = (set: readonly string[]): string[] =>
    set.includes('postgresql') ? [...set, 'backup'] : [...set, 'backup-repository'];
  const inventories = SETS.flatMap((set) => [
    [set, set, set],
    [ALL_BUT_BACKUP, set, set],
    [set, ALL_BUT_BACKUP, ALL_BUT_BACKUP],
    [set],
    [ALL, withBackup(set), withBackup(set)],
    [[...withBackup(set), 'backup-repository']],
    [
      [...set, 'backup'],
      ['pgdg', 'backup-repository'],
    ],
  ]);
  const loaded = (await Promise.all(inventories.map(inventoryWith))).filter((inventory) => inventory !== undefined);
  expect(loaded.length).toBeGreaterThan(40);
  for (const inventory of loaded) expect(() => askAll(inventory), JSON.stringify(inventory.hosts.map(({ roles }) => roles))).not.toThrow();
});
