import { own, stringsOf } from './mapping.js';
import type { Mapping } from './mapping.js';

/** The directories that an inventory's `rolesPath` names, each once; what is no path is the validation's to report. */
export function rolesDirectories(top: Mapping, resolve: (path: string) => string): string[] {
  const written = own(top, 'rolesPath');
  const paths = typeof written === 'string' ? [written] : stringsOf(written);
  return [...new Set(paths.filter((path) => path !== '').map(resolve))];
}
