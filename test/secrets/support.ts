import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { vi } from 'vitest';
import { AgeKeys, type KeyOptions } from '../../src/secrets/identities.js';
import { RECIPIENTS_FILE } from '../../src/secrets/recipients.js';
import { SecretStore } from '../../src/store/secret-store.js';
import { Secret } from '../../src/lib/secret.js';

/** An identity of age, and the public key that files are encrypted for. */
export interface KeyPair {
  identity: string;
  recipient: string;
}

export async function keyPair(): Promise<KeyPair> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** What opens files with one identity, and nothing of the machine's own. */
export function keysOf({ identity }: KeyPair, more: Partial<KeyOptions> = {}): AgeKeys {
  return new AgeKeys({ env: { PGPROV_AGE_KEY: identity }, ...more });
}

/** A store in a directory of its own, with its recipients beside it; gives its path. */
export async function makeStore(directory: string, values: Readonly<Record<string, string>>, ...pairs: KeyPair[]): Promise<string> {
  await mkdir(directory, { recursive: true });
  const recipients = pairs.map(({ recipient }) => recipient);
  await writeFile(join(directory, RECIPIENTS_FILE), `${recipients.join('\n')}\n`);
  const file = join(directory, 'secrets.age');
  await SecretStore.create(file, { recipients });
  const [own] = pairs as [KeyPair];
  const store = await SecretStore.open(file, keysOf(own));
  try {
    for (const [name, value] of Object.entries(values)) store.set(name, new Secret(value));
    await store.save();
  } finally {
    await store.close();
  }
  return file;
}

/** Has passphrases locked so lightly that they open at once: as age does it, each try takes more than a second, which is its purpose. */
export function lockLightly(): void {
  const { setPassphrase } = Encrypter.prototype;
  vi.spyOn(Encrypter.prototype, 'setPassphrase').mockImplementation(function (this: Encrypter, passphrase) {
    this.setScryptWorkFactor(10);
    setPassphrase.call(this, passphrase);
  });
}
