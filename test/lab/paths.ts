import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout this lab belongs to. */
export const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Everything the lab makes lives here; `PGPROV_LAB_DIR` puts it elsewhere, for example to keep it between checkouts. */
export const LAB_DIR = resolve(process.env['PGPROV_LAB_DIR'] || join(CHECKOUT, '.lab'));

/** Tells the containers and networks of this lab from those of another checkout on the same machine. */
export const LAB_ID = createHash('sha256').update(LAB_DIR).digest('hex').slice(0, 4);

/** The recipes for images, shell files that mmdebstrap and containers run. */
export const RECIPES = join(CHECKOUT, 'test', 'lab', 'image');

/** A path below the lab's folder. */
export function inLab(...parts: string[]): string {
  return join(LAB_DIR, ...parts);
}
