import { dirname } from 'node:path/posix';
import { directory, file, type Resource, type RoleContext } from '../../src/index.js';

/** A file below a directory that may not be there, as that of a unit's drop-in; the second of the two is the file. */
export function dropIn(path: string, content: string): [Resource, Resource] {
  return [directory({ path: dirname(path) }), file({ path, content })];
}

/**
 * Has systemd start a service again that has failed, whatever its package says.
 * @param why as a sentence, for who reads the file
 */
export function startsAgain({ template }: Pick<RoleContext, 'template'>, unit: string, why: string): [Resource, Resource] {
  return dropIn(`/etc/systemd/system/${unit}.service.d/pgprov.conf`, template('units/restart.conf', { why }));
}
