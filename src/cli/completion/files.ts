import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The directories, and the files of some names, that a path may become; directories end with a slash. */
export function fileCandidates(word: string, files?: RegExp): string[] {
  const [, directory = '', beginning = ''] = /^(.*\/)?([^/]*)$/su.exec(word) ?? [];
  const place = directory === '' ? '.' : directory.replace(/^~(?=\/)/u, process.env['HOME'] ?? '~');
  return entriesOf(place)
    .filter((name) => name.startsWith(beginning) && (!name.startsWith('.') || beginning.startsWith('.')))
    .flatMap((name) => {
      if (isDirectory(join(place, name))) return [`${directory}${name}/`];
      return files?.test(name) === true ? [`${directory}${name}`] : [];
    });
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
