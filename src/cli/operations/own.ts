import type { Operation } from '../../plan/operation.js';
import { loadCatalog } from '../catalog.js';
import { OPERATE } from './option-words.js';

/** What names and options of a user's operations must keep clear of. */
export interface Reserved {
  /** pgprov's commands. */
  commands: readonly string[];
  /** Options that every operation has, by their names in code. */
  options: readonly string[];
}

/**
 * The operations in the directories of an inventory's `rolesPath`, under the names that they are called by: `operate checkpoint`.
 * @throws InputError when one of them, or a role beside them, cannot be used
 */
export async function ownOperations(directories: readonly string[], reserved: Reserved): Promise<readonly Operation[]> {
  if (directories.length === 0) return [];
  const catalog = await loadCatalog(directories);
  const { loadOperations } = await import('../../catalog/load-operations.js');
  const operations = await loadOperations(directories, { ...reserved, roles: catalog.map(({ name }) => name) });
  return operations.map((operation) => ({ ...operation, name: `${OPERATE} ${operation.name}` }));
}
