import { formatProblem, loadInventory, type Inventory } from '../model/index.js';
import { CATALOG } from '../../roles/index.js';
import type { CommonOptions } from './options.js';

/** Loads a command's inventory against the roles that there are. */
export function loadFor(file: string, options: CommonOptions): Promise<Inventory> {
  return loadInventory(file, { roles: CATALOG, ...(options.set === undefined ? {} : { set: options.set }) });
}

/** Prints an inventory's warnings, for commands that have no report to do it. */
export function printWarnings(inventory: Inventory): void {
  for (const warning of inventory.warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
}
