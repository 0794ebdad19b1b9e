import { relative } from 'node:path';

/** The shorter way to write a path, for messages: relative where it is below the current directory. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
