import { joinScripts, sh, type Script } from '../shell/quote.js';
import { setOwnershipScript, type Ownership } from './files/path.js';

/** What comes between the name of a directory that was put aside and the time. */
export const ASIDE = '.aside-';

/** Renames a directory, with the time in its new name, and makes an empty one in its place; nothing is ever deleted. */
export function putAside(path: string, ownership: Ownership): Script {
  return joinScripts([
    sh`if [ -e ${path} ]; then mv -T ${path} ${path}${ASIDE}"$(date +%Y%m%dT%H%M%S)"; fi
mkdir ${path}`,
    setOwnershipScript(path, ownership),
  ]);
}
