import { AgeKeys } from '../../secrets/identities.js';
import { SecretStore } from '../../store/secret-store.js';
import { askAtTerminal } from '../hidden-prompt.js';

/** Options of every command about a store. */
export interface StoreOptions {
  file: string;
  /** Identity files. */
  identity?: string[];
}

/** The identities that a command has. */
export function keysFor({ identity }: StoreOptions): AgeKeys {
  return new AgeKeys({ env: process.env, files: identity ?? [], ask: askAtTerminal });
}

/** Does something with an opened store, which is locked against others meanwhile. */
export async function withStore<Result>(options: StoreOptions, work: (store: SecretStore) => Promise<Result>): Promise<Result> {
  const store = await SecretStore.open(options.file, keysFor(options));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
