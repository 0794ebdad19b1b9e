import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | undefined;

/** The directory of pgprov's package.json, from the sources and from dist/ alike. */
export function packageRoot(): string {
  if (found === undefined) {
    let at = dirname(fileURLToPath(import.meta.url));
    while (!existsSync(join(at, 'package.json'))) at = dirname(at);
    found = at;
  }
  return found;
}
