import { existsSync } from 'node:fs';
import { DEFAULT_ROLES, readNames } from '../../model/index.js';
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
