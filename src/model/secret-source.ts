import { statSync } from 'node:fs';
import { Secret, type DeferredSecret } from '../lib/secret.js';
import { pgprov } from '../lib/pgprov-command.js';
import { describeReference, type SecretReference } from '../secrets/reference.js';
import type { SecretCommand } from '../secrets/command.js';
import type { SecretFetcher, StoredSecret } from '../secrets/fetcher.js';
import { readPrivateFile, readPublicFile } from '../secrets/private-file.js';
import { findProgram } from '../secrets/program.js';
import { PathResolver } from './paths.js';

/** What a source works with. */
export interface SourceOptions {
  env: NodeJS.ProcessEnv;
  paths: PathResolver;
  /** Where programs run. */
  directory: string;
}

/** A secret that is yet to be fetched, and from where. */
interface Pending extends DeferredSecret {
  from: SecretCommand | StoredSecret;
}

/**
 * Opens secrets: given in place, from the environment, from a file; those that a program prints or a store holds are
 * fetched later, all in one go. Each source is read once.
 */
export class SecretSource {
  readonly #env: NodeJS.ProcessEnv;
  readonly #paths: PathResolver;
  readonly #directory: string;
  readonly #programs: PathResolver;
  readonly #opened = new Map<string, Secret | Error>();
  readonly #pending = new Map<Secret, Pending>();

  constructor({ env, paths, directory }: SourceOptions) {
    this.#env = env;
    this.#paths = paths;
    this.#directory = directory;
    this.#programs = new PathResolver(directory, env);
  }

  /**
   * The secret a schema-valid value stands for. One that is fetched later is not here yet.
   * @param isPublic it is no secret, so everyone may read its file; default: it is one
   * @throws Error whose message follows the variable's path, when it cannot be had
   */
  open(value: string | SecretReference, { isPublic = false }: { isPublic?: boolean } = {}): Secret {
    if (typeof value === 'string') return new Secret(value);
    const id = JSON.stringify([value, isPublic]);
    let opened = this.#opened.get(id);
    if (opened === undefined) {
      opened = this.#tryOpening(value, isPublic);
      this.#opened.set(id, opened);
    }
    if (opened instanceof Error) throw opened;
    return opened;
  }

  /**
   * Fetches a secret that is not here yet.
   * @throws InputError when it cannot be had
   */
  async fetch(secret: Secret, fetcher: SecretFetcher): Promise<void> {
    const pending = this.#pending.get(secret);
    if (pending === undefined || secret.isHere) return;
    pending.fill(await fetcher.fetch(pending.from));
  }

  #tryOpening(reference: SecretReference, isPublic: boolean): Secret | Error {
    try {
      if ('env' in reference) return new Secret(this.#fromEnvironment(reference.env));
      if ('file' in reference) return new Secret(this.#fromFile(reference.file, isPublic));
      return this.#later('command' in reference ? this.#command(reference.command) : this.#stored(reference));
    } catch (error) {
      return error as Error;
    }
  }

  #later(from: Pending['from']): Secret {
    const deferred = Secret.deferred();
    this.#pending.set(deferred.secret, { ...deferred, from });
    return deferred.secret;
  }

  #fromEnvironment(name: string): string {
    const text = this.#env[name];
    if (text === undefined || text === '') throw new Error(`the ${describeReference({ env: name })} is not set`);
    return text;
  }

  #fromFile(written: string, isPublic: boolean): string {
    const read = isPublic ? readPublicFile : readPrivateFile;
    const text = read(this.#paths.resolve(written), written)
      .toString('utf8')
      .replace(/\r?\n$/u, '');
    if (text === '') throw new Error(`the file ${written} is empty`);
    if (text.includes('\0')) throw new Error(`the file ${written} holds a NUL character`);
    return text;
  }

  #command([shown = '', ...args]: readonly string[]): SecretCommand {
    return { shown, args, directory: this.#directory, program: findProgram(shown, (path) => this.#programs.resolve(path), this.#env) };
  }

  #stored({ age, key }: { age: string; key: string }): StoredSecret {
    const store = this.#paths.resolve(age);
    if (statSync(store, { throwIfNoEntry: false })?.isFile() === true) return { store, shown: age, key };
    throw new Error(`there is no store ${age}; ${pgprov`secrets init -f ${store}`} makes one`);
  }
}
