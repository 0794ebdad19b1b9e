import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ImageBuild } from '../image-store.js';
import { CA_FILE, IDENTITY_FILE } from '../keys.js';
import { inLab, LAB_ID, RECIPES } from '../paths.js';
import { attempt, run } from '../process.js';
import { runRecipe } from '../recipes.js';
import type { ElFacts } from '../systems.js';
import { publishRepositories } from './archive.js';
import { ensureElBase } from './base.js';
import { rockyFolder } from './repositories.js';

/** What an image of Rocky Linux and its part of the mirror are made from, for `recipeHash`. */
export function elRecipe(facts: ElFacts): { facts: unknown; paths: string[] } {
  return {
    facts,
    paths: [
      ...['el', 'host', 'debootstrap.sh', 'archive.sh'].map((name) => join(RECIPES, name)),
      // The code that fills the mirror is as much a part of the recipe as the shell files.
      ...['archive.ts', 'faults.ts', 'repositories.ts', 'yum-index.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
      ...[`${IDENTITY_FILE}.pub`, CA_FILE, inLab('keys', 'rocky.asc'), inLab('keys', 'pgdg.asc')],
    ],
  };
}

/** Builds the image of a Rocky system and fills its part of the mirror. */
export async function buildEl({ system, image, folder, log }: ImageBuild, { major }: ElFacts): Promise<void> {
  const base = await ensureElBase();
  const packages = join(folder, 'packages');
  const keys = inLab('keys');
  await runRecipe(`the packages of ${system}`, log, [
    'sh',
    join(RECIPES, 'el', 'rpm', 'build.sh'),
    String(major),
    base.payload,
    packages,
    keys,
  ]);
  await publishRepositories(major, packages);

  const container = `pgprov-${LAB_ID}-build-${system}`;
  await attempt`docker rm --force ${container}`;
  // Below a file system in memory, so that nothing of this is in the image.
  const mounts = [
    [join(RECIPES, 'el'), 'el'],
    [join(RECIPES, 'host'), 'host'],
    [keys, 'keys'],
    [rockyFolder(major, 'BaseOS'), 'packages'],
  ].flatMap(([from, to]) => ['--volume', `${from}:/tmp/lab/${to}:ro`]);
  const options = ['--name', container, '--network', 'none', '--tmpfs', '/tmp', ...mounts];
  await runRecipe(`the image of ${system}`, log, [
    'docker',
    'run',
    ...options,
    base.image,
    'sh',
    '/tmp/lab/el/host/customize.sh',
    String(major),
  ]);
  await run`docker commit --change ${`LABEL pgprov.lab=${LAB_ID}`} ${container} ${image}`;
  await run`docker rm ${container}`;
}
