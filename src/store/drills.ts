import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drill } from '../lib/drill.js';

/** A cluster's drills, one a line, the newest last. */
function fileOf(directory: string): string {
  return join(directory, 'drills.jsonl');
}

/** Adds a drill to the history in a cluster's store. */
export async function keepDrill(directory: string, drill: Drill): Promise<void> {
  await appendFile(fileOf(directory), `${JSON.stringify(drill)}\n`, { mode: 0o600 });
}

/** The last drill of a cluster; undefined: there was none. A line that was cut off is passed over. */
export async function lastDrill(directory: string): Promise<Drill | undefined> {
  const text = await readFile(fileOf(directory), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .flatMap((line) => readDrill(line) ?? [])
    .at(-1);
}

function readDrill(line: string): Drill | undefined {
  try {
    return JSON.parse(line) as Drill;
  } catch {
    return undefined;
  }
}
