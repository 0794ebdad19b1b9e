import type { Ask } from '../lib/prompt.js';
import { runSecretCommand, type SecretCommand } from './command.js';
import { AgeKeys } from './identities.js';
import type { SecretMapping } from './mapping-text.js';
import { noValue, readSecretStore } from './read-store.js';

/** A value in a store. */
export interface StoredSecret {
  /** Absolute path of the store. */
  store: string;
  /** The path as written, for messages. */
  shown: string;
  key: string;
}

/** What a fetcher works with. */
export interface FetchOptions {
  /** What programs run with, and where identities are found. */
  env: NodeJS.ProcessEnv;
  /** Asks for a passphrase; default: nobody is asked. */
  ask?: Ask | undefined;
}

/**
 * Fetches secrets that take longer than reading a file. Every program is run once, every store opened once, one after the
 * other: each may have something to ask of a person.
 */
export class SecretFetcher {
  readonly #env: NodeJS.ProcessEnv;
  readonly #keys: AgeKeys;
  readonly #printed = new Map<string, Promise<string>>();
  readonly #stores = new Map<string, Promise<SecretMapping>>();

  constructor({ env, ask }: FetchOptions) {
    this.#env = env;
    this.#keys = new AgeKeys({ env, ask });
  }

  /** @throws InputError when it cannot be had */
  fetch(secret: SecretCommand | StoredSecret): Promise<string> {
    return 'store' in secret ? this.#fromStore(secret) : this.#fromCommand(secret);
  }

  #fromCommand(command: SecretCommand): Promise<string> {
    const { program, args, directory } = command;
    return once(this.#printed, JSON.stringify([directory, program, args]), () => runSecretCommand(command, { env: this.#env }));
  }

  async #fromStore({ store, shown, key }: StoredSecret): Promise<string> {
    const mapping = await once(this.#stores, store, async () => (await readSecretStore(store, shown, this.#keys)).mapping);
    const value = mapping.get(key);
    if (value !== undefined) return value;
    throw noValue(shown, key, mapping.names(), store);
  }
}

function once<Value>(known: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
