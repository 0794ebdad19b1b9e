import { pgprov } from '../lib/pgprov-command.js';
import type { Inventory } from './inventory.js';

type Given = Pick<Inventory, 'absent' | 'file'>;

/** Of a member that the cluster has and the inventory has not, as a clause that follows its name. */
export function notWanted({ absent }: Given, name: string): string {
  return absent.some((host) => host.name === name) ? 'is absent in the inventory' : 'is not in the inventory';
}

/** How such a member is taken out, as a sentence without its full stop. */
export function removal(inventory: Given, name: string): string {
  const remove = pgprov`remove ${inventory} --host ${name}`;
  if (inventory.absent.some((host) => host.name === name)) return `${remove} takes it out`;
  return `put it back; if it is to go, with \`absent: true\`, and then ${remove} takes it out, as it does at once where its machine is lost`;
}
