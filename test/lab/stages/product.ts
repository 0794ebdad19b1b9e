import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CHECKOUT } from '../paths.js';
import { feed, type Result } from '../process.js';

/** The program as it is delivered; `npm run build` makes what it starts. */
export const PROGRAM = join(CHECKOUT, 'bin', 'pgprov.js');

/** A short name for the built product: whatever code and templates make hosts what they become. */
export async function productDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['dist', 'templates']) {
    const names = (await readdir(join(CHECKOUT, folder), { recursive: true })).filter((name) => /\.(?:js|hbs)$/u.test(name)).sort();
    for (const name of names) hash.update(`\n${folder}/${name}\n`).update(await readFile(join(CHECKOUT, folder, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Runs the product to its end, not on a terminal; `env` is added to the environment. */
export function runProduct(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const variables = Object.entries({ NO_COLOR: '1', ...env }).map(([name, value]) => `${name}=${value}`);
  return feed('', ['env', ...variables, process.execPath, PROGRAM, ...args]);
}
