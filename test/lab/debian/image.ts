import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type ImageBuild, importImage } from '../image-store.js';
import { CA_FILE, IDENTITY_FILE } from '../keys.js';
import { inLab, RECIPES } from '../paths.js';
import { runRecipe } from '../recipes.js';
import type { DebianFacts } from '../systems.js';
import { publishPackages } from './archive.js';
import { earlierPackages, OLDER_PACKAGES, wantedPackages } from './packages.js';

/** What an image of Debian and its part of the mirror are made from, for `recipeHash`. */
export function debianRecipe(facts: DebianFacts): { facts: unknown; paths: string[] } {
  return {
    facts: [facts, wantedPackages(facts), earlierPackages(facts), OLDER_PACKAGES],
    paths: [
      ...['debian', 'host', 'debootstrap.sh', 'archive.sh'].map((name) => join(RECIPES, name)),
      // The code that fills the mirror is as much a part of the recipe as the shell files.
      ...['archive.ts', 'packaged-key.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
      ...[`${IDENTITY_FILE}.pub`, CA_FILE, inLab('keys', 'debian.asc'), inLab('keys', 'pgdg.asc')],
    ],
  };
}

/** Builds the image of a Debian system and fills its part of the mirror. */
export async function buildDebian({ system, image, folder, log }: ImageBuild, facts: DebianFacts): Promise<void> {
  const [tar, debs] = [join(folder, 'root.tar'), join(folder, 'debs')];
  const recipe = join(RECIPES, 'debian', 'rootfs.sh');
  const earlier = [facts.earlier?.suite ?? '', earlierPackages(facts).join(' ')];
  const older = [OLDER_PACKAGES.suite, OLDER_PACKAGES.packages.join(' ')];
  const command = ['sh', recipe, facts.suite, tar, debs, inLab('keys'), wantedPackages(facts).join(' '), ...earlier, ...older];
  await runRecipe(`the image of ${system}`, log, command);
  await publishPackages(facts, debs);
  await importImage(tar, image);
}
