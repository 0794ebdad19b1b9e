import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../../src/lib/package-root.js';

/** What a guide in docs/ has its reader do. */
export interface Guide {
  /** Files it has written, by their path. */
  files: ReadonlyMap<string, string>;
  /** What they are later, by their path and the words that follow it: `inventory.yml with the balancer`. */
  later: ReadonlyMap<string, string>;
  /** Commands it has typed, in their order. */
  commands: readonly string[];
}

/** Reads a guide: a block after a path and a colon is a file, with words in between a later state of it, a `console` block holds commands. */
export async function readGuide(name: string): Promise<Guide> {
  const text = await readFile(join(packageRoot(), 'docs', name), 'utf8');
  const blocks = [...text.matchAll(/^`([^`\n]+)`( [^`\n:]+)?:\n\n```\w+\n(.*?)^```$/gmsu)];
  const files = new Map(blocks.flatMap(([, path = '', words, content = '']) => (words === undefined ? [[path, content]] : [])));
  const later = new Map(blocks.flatMap(([, path = '', words, content = '']) => (words === undefined ? [] : [[path + words, content]])));
  const consoles = [...text.matchAll(/^```console\n(.*?)^```$/gmsu)].map(([, block = '']) => block);
  const commands = consoles.flatMap((block) =>
    block
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2)),
  );
  return { files, later, commands };
}

/** Writes files into a directory, as a reader of the guide would. */
export async function writeFiles(directory: string, files: Iterable<readonly [string, string]>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}
