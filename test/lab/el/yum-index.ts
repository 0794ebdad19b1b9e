import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { SigningKey } from '../keys.js';
import { run } from '../process.js';
import { sign } from '../signatures.js';

/** Writes the index of a folder of packages. */
export async function indexPackages(folder: string): Promise<void> {
  await run`createrepo_c --quiet --general-compress-type=gz ${folder}`;
}

/** Signs the index of a repository. */
export async function signIndex(folder: string, key: SigningKey): Promise<void> {
  const index = join(folder, 'repodata', 'repomd.xml');
  await writeFile(`${index}.asc`, (await sign(key, await readFile(index, 'utf8'))).detached);
}
