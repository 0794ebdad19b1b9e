import { copyFile, cp, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { signRpms } from '../signatures.js';
import type { Fault } from '../sites.js';
import { type Major, pgdgPaths, publishSurroundings, yumFolder } from './repositories.js';
import { indexPackages, signIndex } from './yum-index.js';

/** The packages that a stranger signed where the fault is `wrongrpm`. */
const STRANGERS = /^(postgresql|etcd)/;

/** Puts PGDG's repositories under other host names, each time with one thing wrong. */
export async function publishFaults(major: Major): Promise<void> {
  for (const path of Object.values(pgdgPaths(major))) {
    await copyRepository('unsigned', path);

    await signIndex(await copyRepository('wrongkey', path), 'stranger');

    const tampered = await copyRepository('badsig', path);
    await signIndex(tampered, 'pgdg');
    const index = join(tampered, 'repodata', 'repomd.xml');
    await writeFile(index, (await readFile(index, 'utf8')).replace(/<revision>.*<\/revision>/, '<revision>tampered</revision>'));

    const resigned = await copyRepository('wrongrpm', path);
    await signAsStranger(resigned);
    await signIndex(resigned, 'pgdg');
  }
  for (const fault of ['unsigned', 'badsig', 'wrongrpm'] as const) await publishSurroundings(`${fault}.lab`, major, 'pgdg');
  await publishSurroundings('wrongkey.lab', major, 'stranger');
}

/** The same packages and index under the host name of a fault, without a signature of the index; returns the new folder. */
async function copyRepository(fault: Fault, path: string): Promise<string> {
  const [from, to] = [yumFolder('download.postgresql.org', path), yumFolder(`${fault}.lab`, path)];
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const file of (await readdir(from)).filter((name) => name.endsWith('.rpm'))) await link(join(from, file), join(to, file));
  await cp(join(from, 'repodata'), join(to, 'repodata'), { recursive: true });
  await rm(join(to, 'repodata', 'repomd.xml.asc'));
  return to;
}

async function signAsStranger(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => STRANGERS.test(name)).map((name) => join(folder, name));
  if (files.length === 0) return;
  for (const file of files) {
    // Until now the file is one with that of the good repository.
    const copy = `${file}.copy`;
    await copyFile(file, copy);
    await rename(copy, file);
  }
  await signRpms('stranger', files);
  await rm(join(folder, 'repodata'), { recursive: true });
  await indexPackages(folder);
}
