import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** Turns paths as written in an inventory into absolute ones. */
export class PathResolver {
  readonly #dir: string;
  readonly #home: string;

  /** @param dir where relative paths start: the directory of the inventory */
  constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.#dir = dir;
    this.#home = env['HOME'] ?? homedir();
  }

  /** `~` is the home of the user that runs pgprov. */
  resolve(path: string): string {
    return resolve(
      this.#dir,
      path.replace(/^~(?=\/|$)/u, () => this.#home),
    );
  }
}
