import { dirname } from 'node:path/posix';
import { directory, file, type Resource } from '../../src/index.js';

/** A drop-in of a unit, below a directory that may not be there; the second of the two is the file. */
export function dropIn(path: string, content: string): [Resource, Resource] {
  return [directory({ path: dirname(path) }), file({ path, content })];
}
