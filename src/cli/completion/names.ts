import { existsSync } from 'node:fs';
import { shownPath } from '../../lib/shown-path.js';
import { DEFAULT_ROLES, readIdentity, readNames } from '../../model/index.js';
import { snapshotFiles } from '../../store/saved-snapshots.js';
import { storeDirectory } from '../../store/store.js';
import { findOperationFiles, findRoleFiles, type RoleFile } from '../../catalog/role-files.js';
import { USUAL_INVENTORY, usualInventory } from '../usual-inventory.js';
import type { CommandLine } from './line.js';

/** What an inventory has names for. */
export type NameKind = 'hosts' | 'groups' | 'roles' | 'operations';

/** The names in the inventory on the line; roles and operations of the user's own are told by their files, because no code must run here. */
export async function namesFor(kind: NameKind, line: CommandLine, inventory = inventoryOn(line)): Promise<readonly string[]> {
  const names = await namesIn(inventory);
  if (kind === 'roles') return [...DEFAULT_ROLES, ...namesOf(() => findRoleFiles(names.rolesPath))];
  return kind === 'operations' ? namesOf(() => findOperationFiles(names.rolesPath)) : names[kind];
}

function inventoryOn({ given }: CommandLine): string {
  const [named] = [...given].flatMap(([what, words]) =>
    ('flags' in what ? what.attributeName() : what.name()) === 'inventory' ? words : [],
  );
  return named?.replace(/^~(?=\/)/u, process.env['HOME'] ?? '~') ?? usualInventory()?.file ?? USUAL_INVENTORY;
}

/** A line that is being typed may name anything; then there is nothing to offer. */
async function namesIn(file: string): ReturnType<typeof readNames> {
  const none = { hosts: [], groups: [], rolesPath: [] };
  return existsSync(file) ? readNames(file).catch(() => none) : none;
}

function namesOf(files: () => readonly RoleFile[]): string[] {
  try {
    return files().map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The snapshots beside the inventory on the line, the newest first, as far as they can be told by their names. */
export async function snapshotsFor(line: CommandLine): Promise<readonly string[]> {
  try {
    const { dir, cluster } = await readIdentity(inventoryOn(line));
    return snapshotFiles(storeDirectory(dir, cluster)).map(shownPath).reverse();
  } catch {
    return [];
  }
}
