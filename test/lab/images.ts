import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import { buildDebian, debianRecipe } from './debian/image.js';
import { buildEl, elRecipe } from './el/image.js';
import { hasImage, type ImageBuild, removeOlder } from './image-store.js';
import { inLab, LAB_ID } from './paths.js';
import { say } from './process.js';
import { recipeHash } from './recipes.js';
import { type System, SYSTEMS } from './systems.js';

/** The image of a system, named after everything that goes into it. */
export async function imageOf(system: System): Promise<string> {
  const facts = SYSTEMS[system];
  const recipe = facts.family === 'debian' ? debianRecipe(facts) : elRecipe(facts);
  return `pgprov-lab/${system}:${LAB_ID}-${await recipeHash(recipe.facts, recipe.paths)}`;
}

/** Builds the image of a system and its part of the mirror unless both are there. */
export async function ensureImage(system: System): Promise<void> {
  const image = await imageOf(system);
  const stamp = inLab('sites', `${system}.stamp`);
  const published = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (published === image && (await hasImage(image))) return;

  say(`building the image and the packages of ${system} (about half a minute)`);
  const started = Date.now();
  const build: ImageBuild = { system, image, folder: inLab('build', system), log: inLab(`${system}.log`) };
  await rm(build.folder, { recursive: true, force: true });
  await mkdir(build.folder, { recursive: true });
  await writeFile(build.log, '');
  const facts = SYSTEMS[system];
  if (facts.family === 'debian') await buildDebian(build, facts);
  else await buildEl(build, facts);
  await mkdir(inLab('sites'), { recursive: true });
  await writeFile(stamp, image);
  await rm(build.folder, { recursive: true, force: true });
  await removeOlder(image);
  say(`${system} is ready after ${Math.round((Date.now() - started) / 1000)} s`);
}
