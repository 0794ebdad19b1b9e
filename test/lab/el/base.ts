import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hasImage, importImage, removeOlder } from '../image-store.js';
import { withLock } from '../lock.js';
import { inLab, LAB_ID, RECIPES } from '../paths.js';
import { say } from '../process.js';
import { recipeHash, runRecipe } from '../recipes.js';

/** What all versions of Rocky Linux are made from. */
export interface ElBase {
  /** The image that theirs are made from. */
  image: string;
  /** The folder with the unpacked Debian packages that theirs are made from. */
  payload: string;
}

const RECIPE = join(RECIPES, 'el', 'base');

const PATHS = [RECIPE, join(RECIPES, 'debootstrap.sh'), join(RECIPES, 'archive.sh'), join(RECIPES, 'el', 'rpm', 'from-debs', 'table')];

let building: Promise<ElBase> | undefined;

/** Builds the common base unless it is there; two builds that need it at the same time share it, whoever makes them. */
export async function ensureElBase(): Promise<ElBase> {
  building ??= withLock('rocky-base', build).finally(() => (building = undefined));
  return building;
}

async function build(): Promise<ElBase> {
  const image = `pgprov-lab/rocky-base:${LAB_ID}-${await recipeHash('rocky-base', PATHS)}`;
  const payload = inLab('rocky', 'payload');
  const stamp = inLab('rocky', 'payload.stamp');
  const unpacked = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (unpacked === image && (await hasImage(image))) return { image, payload };

  say('building what the Rocky hosts have in common (about half a minute)');
  const folder = inLab('build', 'rocky-base');
  for (const path of [folder, payload]) await rm(path, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const log = inLab('rocky-base.log');
  await writeFile(log, '');
  const tar = join(folder, 'root.tar');
  await runRecipe('the base of the Rocky hosts', log, ['sh', join(RECIPE, 'base.sh'), tar, payload]);
  await importImage(tar, image);
  await writeFile(stamp, image);
  await rm(folder, { recursive: true, force: true });
  await removeOlder(image);
  return { image, payload };
}
