import { readNames, type LoadOptions } from '../model/index.js';
import type { Role } from '../plan/role.js';
import { CATALOG } from '../../roles/index.js';

/** Catalogs with roles of the user's own, by the directories of those. */
const extended = new Map<string, readonly Role[]>();

/** The roles of an inventory that was loaded, in the order in which they are applied. */
export function catalogOf({ rolesPath }: { rolesPath: readonly string[] }): readonly Role[] {
  return extended.get(keyOf(rolesPath)) ?? CATALOG;
}

/** How an inventory is loaded against the roles that come with pgprov and its own. */
export function againstCatalog(set: readonly string[] | undefined): LoadOptions {
  return { roles: CATALOG, extend: loadCatalog, ...(set === undefined ? {} : { set }) };
}

/**
 * The roles that come with pgprov and those of some directories.
 * @throws InputError when one of them cannot be used
 */
export async function loadCatalog(directories: readonly string[]): Promise<readonly Role[]> {
  if (directories.length === 0) return CATALOG;
  const known = extended.get(keyOf(directories));
  if (known !== undefined) return known;
  // Only those who have roles of their own pay for loading them.
  const { extendCatalog } = await import('../catalog/extend.js');
  const catalog = await extendCatalog(CATALOG, directories);
  extended.set(keyOf(directories), catalog);
  return catalog;
}

/** The roles that there are, with those of an inventory's `rolesPath` if one is named. */
export async function catalogFor(inventory: string | undefined): Promise<readonly Role[]> {
  return inventory === undefined ? CATALOG : loadCatalog((await readNames(inventory)).rolesPath);
}

function keyOf(directories: readonly string[]): string {
  return JSON.stringify(directories);
}
