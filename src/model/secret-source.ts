import { readFileSync, statSync } from 'node:fs';
import { isMapping, own } from './mapping.js';
import { Secret } from '../lib/secret.js';
import type { PathResolver } from './paths.js';

/** Permission bit of everyone else's reading. */
const READABLE_BY_ALL = 0o004;

/** Opens secrets: given in place, from the environment, or from a file. Each source is read once. */
export class SecretSource {
  readonly #env: NodeJS.ProcessEnv;
  readonly #paths: PathResolver;
  readonly #read = new Map<string, string | Error>();

  constructor(env: NodeJS.ProcessEnv, paths: PathResolver) {
    this.#env = env;
    this.#paths = paths;
  }

  /**
   * The secret a schema-valid value stands for.
   * @throws Error whose message follows the variable's path, when it cannot be had
   */
  open(value: unknown): Secret {
    if (typeof value === 'string') return new Secret(value);
    const reference = isMapping(value) ? value : {};
    const env = own(reference, 'env');
    const text = typeof env === 'string' ? this.#fromEnvironment(env) : this.#fromFile(String(own(reference, 'file')));
    return new Secret(text);
  }

  #fromEnvironment(name: string): string {
    const text = this.#env[name];
    if (text === undefined || text === '') throw new Error(`the environment variable ${name} is not set`);
    return text;
  }

  #fromFile(written: string): string {
    let text = this.#read.get(written);
    if (text === undefined) {
      text = readSecretFile(this.#paths.resolve(written), written);
      this.#read.set(written, text);
    }
    if (text instanceof Error) throw text;
    return text;
  }
}

function readSecretFile(path: string, written: string): string | Error {
  try {
    const { mode } = statSync(path);
    if ((mode & READABLE_BY_ALL) !== 0) return new Error(`the file ${written} can be read by everyone; run chmod 600 on it`);
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/u, '');
    if (text === '') return new Error(`the file ${written} is empty`);
    return text.includes('\0') ? new Error(`the file ${written} holds a NUL character`) : text;
  } catch (error) {
    return new Error(`the file ${written} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}
