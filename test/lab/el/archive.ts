import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { SigningKey } from '../keys.js';
import { run } from '../process.js';
import { signRpms } from '../signatures.js';
import { publishFaults } from './faults.js';
import { epelFolder, type Major, pgdgPaths, publishSurroundings, rockyFolder, ROCKY_REPOSITORIES, yumFolder } from './repositories.js';
import { indexPackages, signIndex } from './yum-index.js';

const PGDG = 'download.postgresql.org';

/** Puts the packages of a version, one folder for each repository, into the signed repositories that the lab's mirror serves. */
export async function publishRepositories(major: Major, packages: string): Promise<void> {
  for (const name of ROCKY_REPOSITORIES) {
    const folder = rockyFolder(major, name);
    await publish(join(packages, name), folder, 'rocky');
    if (name === 'AppStream') await run`modifyrepo_c --mdtype=modules ${join(packages, 'modules.yaml')} ${join(folder, 'repodata')}`;
  }
  await publish(join(packages, 'EPEL'), epelFolder(major), 'rocky');
  const paths = pgdgPaths(major);
  for (const [name, path] of Object.entries(paths)) {
    const folder = yumFolder(PGDG, path);
    await publish(join(packages, name), folder, 'pgdg');
    await signIndex(folder, 'pgdg');
  }
  await publishSurroundings(PGDG, major, 'pgdg');
  await publishRepositoryPackage(major);
  await publishFaults(major);
}

/** PGDG's package with the settings of its repositories has a place of its own, where its name tells no version. */
async function publishRepositoryPackage(major: Major): Promise<void> {
  const common = yumFolder(PGDG, pgdgPaths(major)['pgdg-common']);
  const file = (await readdir(common)).find((name) => name.startsWith('pgdg-redhat-repo-'));
  if (file === undefined) throw new Error('the recipe made no pgdg-redhat-repo');
  const folder = yumFolder(PGDG, 'reporpms', `EL-${major}-x86_64`);
  await mkdir(folder, { recursive: true });
  await copyFile(join(common, file), join(folder, 'pgdg-redhat-repo-latest.noarch.rpm'));
}

async function publish(from: string, folder: string, key: SigningKey): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await signRpms(
    key,
    (await readdir(from)).map((name) => join(from, name)),
  );
  await rename(from, folder);
  await indexPackages(folder);
}
