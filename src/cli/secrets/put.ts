import type { Secret } from '../../lib/secret.js';
import { PathResolver } from '../../model/index.js';
import { withStore } from './opening.js';

/** Gives a name in a store another value; the store's path is as an inventory in `directory` has it. */
export async function putIntoStore(directory: string, { age, key }: { age: string; key: string }, value: Secret): Promise<void> {
  const file = new PathResolver(directory, process.env).resolve(age);
  await withStore({ file }, async (store) => {
    store.set(key, value);
    await store.save();
  });
}
