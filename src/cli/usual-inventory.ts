import { existsSync } from 'node:fs';

/** Where an inventory is taken from while none is named. */
export const USUAL_INVENTORY = 'inventory.yml';

/** The inventory of a command line that names none, and why it is that one. */
export interface UsualInventory {
  file: string;
  /** As a clause: `as PGPROV_INVENTORY says`. */
  why: string;
}

/** What PGPROV_INVENTORY names, or else inventory.yml of the current directory; undefined where there is neither. */
export function usualInventory(variables: NodeJS.ProcessEnv = process.env): UsualInventory | undefined {
  const named = variables['PGPROV_INVENTORY'];
  if (named !== undefined && named !== '') return { file: named, why: 'as PGPROV_INVENTORY says' };
  return existsSync(USUAL_INVENTORY) ? { file: USUAL_INVENTORY, why: 'as none was named' } : undefined;
}

/** Whether a word that stands alone names an inventory, and not what a command takes besides it. */
export function looksLikeInventory(word: string): boolean {
  return /\.(?:ya?ml|json)$/u.test(word) || existsSync(word);
}
