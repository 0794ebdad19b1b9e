import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { attempt } from './process.js';

/** A short name for facts and the content of files and folders; when anything in them changes, so does the name. */
export async function recipeHash(facts: unknown, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const path of paths) {
    for (const file of await filesIn(path)) hash.update(`\n${relative(path, file)}\n`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Runs a recipe and appends what it says to a log; a failure throws with the end of it. */
export async function runRecipe(what: string, log: string, command: string[]): Promise<void> {
  const done = await attempt`${command}`;
  await appendFile(log, done.stdall);
  if (done.exitCode === 0) return;
  const end = done.stdall.trimEnd().split('\n').slice(-15).join('\n');
  throw new Error(`building ${what} failed; the whole log is ${log}:\n${end}`);
}

async function filesIn(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).sort();
  return (await Promise.all(names.map((name) => filesIn(join(path, name))))).flat();
}
