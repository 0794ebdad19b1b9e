import { dirname } from 'node:path/posix';
import { directory, file, type Resource } from '../../src/index.js';

/** A file below a directory that may not be there, as that of a unit's drop-in; the second of the two is the file. */
export function dropIn(path: string, content: string): [Resource, Resource] {
  return [directory({ path: dirname(path) }), file({ path, content })];
}
