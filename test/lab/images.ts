import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { publishPackages } from './archive.js';
import { CA_FILE, IDENTITY_FILE } from './keys.js';
import { inLab, LAB_ID, RECIPES } from './paths.js';
import { attempt, run, say } from './process.js';
import { type System, SYSTEMS, wantedPackages } from './systems.js';

const HOST_RECIPE = join(RECIPES, 'host');

/** The code that fills the mirror is as much a part of the recipe as the shell files. */
const ARCHIVE_LAYOUT = ['archive.ts', 'packaged-key.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/** The image of a system, named after everything that goes into it. */
export async function imageOf(system: System): Promise<string> {
  return `pgprov-lab/${system}:${LAB_ID}-${await recipeHash(system)}`;
}

/** Builds the image of a system and its part of the mirror unless both are there. */
export async function ensureImage(system: System): Promise<void> {
  const image = await imageOf(system);
  const stamp = inLab('sites', `${system}.stamp`);
  const published = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (published === image && (await hasImage(image))) return;

  say(`building the image and the packages of ${system} (about half a minute)`);
  const started = Date.now();
  const folder = inLab('build', system);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const [tar, debs, log] = [join(folder, 'root.tar'), join(folder, 'debs'), inLab(`${system}.log`)];
  const { suite } = SYSTEMS[system];
  const packages = wantedPackages(system).join(' ');
  const build = await attempt`sh ${join(HOST_RECIPE, 'rootfs.sh')} ${suite} ${tar} ${debs} ${inLab('keys')} ${packages}`;
  await writeFile(log, build.stdall);
  if (build.exitCode !== 0) {
    throw new Error(`building the image of ${system} failed; the whole log is ${log}:\n${lastLines(build.stdall, 15)}`);
  }
  await publishPackages(system, debs);
  await importImage(tar, image);
  await writeFile(stamp, image);
  await rm(folder, { recursive: true, force: true });
  await removeOlder(image);
  say(`${system} is ready after ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Turns a tar file into an image that belongs to this lab. */
export async function importImage(tar: string, image: string): Promise<void> {
  await run`docker import --change ${`LABEL pgprov.lab=${LAB_ID}`} ${tar} ${image}`;
}

/** Whether the engine has an image. */
export async function hasImage(image: string): Promise<boolean> {
  return (await attempt`docker image inspect --format ok ${image}`).exitCode === 0;
}

/** Removes what this lab built earlier under the same name; an image still in use stays. */
export async function removeOlder(image: string): Promise<void> {
  const repository = image.replace(/:.*/, '');
  const listing = await run`docker images --filter ${`label=pgprov.lab=${LAB_ID}`} --format ${'{{.Repository}}:{{.Tag}}'} ${repository}`;
  for (const other of listing.stdout.split('\n').filter((name) => name !== '' && name !== image)) {
    await attempt`docker rmi ${other}`;
  }
}

async function recipeHash(system: System): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([SYSTEMS[system], wantedPackages(system)]));
  const recipe = (await readdir(HOST_RECIPE)).sort().map((name) => join(HOST_RECIPE, name));
  const keys = [`${IDENTITY_FILE}.pub`, CA_FILE, inLab('keys', 'debian.asc'), inLab('keys', 'pgdg.asc')];
  for (const path of [...recipe, ...ARCHIVE_LAYOUT, ...keys]) hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 12);
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
