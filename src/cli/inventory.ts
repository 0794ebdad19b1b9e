import { formatProblem, loadInventory, type Inventory } from '../model/index.js';
import type { AskOptions } from './ssh-passwords.js';
import { againstCatalog } from './catalog.js';
import { fetching, type Secrets } from './fetching.js';
import type { CommonOptions } from './options.js';
import { tellTrouble } from './pipeline/trouble.js';

/**
 * Loads a command's inventory against the roles that there are, and asks for the passwords that the command is told to ask for.
 * @param secrets `check` for a command that shows or checks the inventory and nothing more
 */
export async function loadFor(file: string, options: CommonOptions & AskOptions, secrets: Secrets = 'fetch'): Promise<Inventory> {
  const { lab, set } = options;
  const inventory = await (lab === undefined
    ? loadInventory(file, { ...againstCatalog(set), ...fetching(secrets) })
    : lab.load(set, secrets));
  if (options.askPass !== true && options.askBecomePass !== true) return inventory;
  const { withAskedPasswords } = await import('./ssh-passwords.js');
  return withAskedPasswords(inventory, options);
}

/** Prints an inventory's warnings, for commands that have no report to do it. */
export function printWarnings(inventory: Inventory): void {
  const tell = tellTrouble(process.stderr, ['warning']);
  for (const warning of inventory.warnings) tell({ type: 'warning', text: formatProblem(warning) });
}
