import { joinScripts, sh, type Script } from '../shell/quote.js';
import { setOwnershipScript, type Ownership } from './file.js';

/** Renames a directory, with the time in its new name, and makes an empty one in its place; nothing is ever deleted. */
export function putAside(path: string, ownership: Ownership): Script {
  return joinScripts([
    sh`if [ -e ${path} ]; then mv -T ${path} ${path}.aside-"$(date +%Y%m%dT%H%M%S)"; fi
mkdir ${path}`,
    setOwnershipScript(path, ownership),
  ]);
}
