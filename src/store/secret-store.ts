import { realpathSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, LockedError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { parseAgeFile, seal, unseal, type Opener, type Sealing } from '../secrets/age-file.js';
import type { AgeKeys } from '../secrets/identities.js';
import { SecretMapping } from '../secrets/mapping-text.js';
import { noStore, readSecretStore, type OpenedStore } from '../secrets/read-store.js';
import { parseRecipients, RECIPIENTS_FILE } from '../secrets/recipients.js';
import { readIfThere, writePrivate } from './files.js';
import { takeLockFile, type LockHolder } from './lock-file.js';
import { writing } from './writing.js';

/**
 * A store of secrets, opened to be changed: one file encrypted with age, whose recipients are listed beside it in
 * `.age-recipients`. It is locked against other editors until `close()`.
 *
 * ```ts
 * const store = await SecretStore.open('secrets.age', keys);
 * try {
 *   store.set('superuser', new Secret(makePassword()));
 *   await store.save();
 * } finally {
 *   await store.close();
 * }
 * ```
 */
export class SecretStore {
  /** Its path as the user knows it. */
  readonly shown: string;
  readonly #path: string;
  readonly #opener: Opener;
  readonly #release: () => Promise<void>;
  #cipher: string;
  #mapping: SecretMapping;

  private constructor(shown: string, path: string, opened: OpenedStore, release: () => Promise<void>) {
    this.shown = shown;
    this.#path = path;
    this.#cipher = opened.cipher;
    this.#opener = opened.opener;
    this.#mapping = opened.mapping;
    this.#release = release;
  }

  /**
   * Opens a store and keeps others from changing it.
   * @throws InputError when there is none, or it cannot be opened; LockedError when another process changes it
   */
  static async open(file: string, keys: AgeKeys): Promise<SecretStore> {
    const path = realPath(file);
    const release = await writing(`${file}.lock`, () => takeLockFile(`${path}.lock`, (holder) => beingChanged(file, holder)));
    try {
      return new SecretStore(file, path, await readSecretStore(path, file, keys), release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  /**
   * Makes an empty store.
   * @throws InputError when there is something already, or it cannot be written
   */
  static async create(file: string, sealing: Sealing): Promise<void> {
    const text = await seal('# name: "text", one a line\n', sealing);
    await writing(file, () => writeFile(file, text, { flag: 'wx', mode: 0o600 }));
  }

  /** In the order of the file. */
  names(): string[] {
    return this.#mapping.names();
  }

  /** The value of a name; undefined when there is none. */
  get(name: string): Secret | undefined {
    const value = this.#mapping.get(name);
    return value === undefined ? undefined : new Secret(value);
  }

  /**
   * Gives a name, old or new, a value; `save()` keeps it.
   * @throws InputError for a name or a value that a store cannot hold
   */
  set(name: string, value: Secret): void {
    this.#mapping.set(name, value.reveal());
  }

  /** Takes a name away, false where there is none; `save()` keeps that. */
  remove(name: string): boolean {
    return this.#mapping.remove(name);
  }

  /** The whole plaintext, for an editor. */
  text(): string {
    return this.#mapping.text();
  }

  /**
   * Takes what an editor made of the plaintext; `save()` keeps it.
   * @throws InputError `secrets/content`, the store being as it was
   */
  replace(text: string): void {
    this.#mapping = SecretMapping.parse(text, this.shown);
  }

  /**
   * Encrypts the store for its present recipients and writes it, whole or not at all, readable by its owner alone.
   * @throws InputError when the file was changed since it was opened, or the recipients leave out whoever writes it
   */
  async save(): Promise<void> {
    const text = this.#mapping.text();
    const cipher = 'passphrase' in this.#opener ? await seal(text, this.#opener) : await this.#sealForRecipients(text);
    if ((await readFile(this.#path)).toString('latin1') !== this.#cipher) throw this.#changedMeanwhile();
    await writing(this.shown, () => writePrivate(this.#path, cipher));
    this.#cipher = cipher;
  }

  /** Lets others change it. */
  close(): Promise<void> {
    return this.#release();
  }

  async #sealForRecipients(text: string): Promise<string> {
    const cipher = await seal(text, { recipients: await this.#recipients() });
    const back = await unseal(await parseAgeFile(Buffer.from(cipher), this.shown), this.#opener);
    if (back === undefined) throw this.#lockedOut();
    return cipher;
  }

  async #recipients(): Promise<string[]> {
    const shown = join(dirname(this.shown), RECIPIENTS_FILE);
    const text = await readIfThere(join(dirname(this.#path), RECIPIENTS_FILE));
    const recipients = text === undefined ? [] : await parseRecipients(text, shown);
    if (recipients.length > 0) return recipients;
    throw new InputError({
      kind: 'secrets/no-recipients',
      message: text === undefined ? `there is no ${shown}, which lists the recipients of ${basename(this.shown)}` : `${shown} lists nobody`,
      hint: 'list the public keys of all who are to open the store, one a line; `age-keygen -y FILE` prints that of an identity',
    });
  }

  #lockedOut(): InputError {
    return new InputError({
      kind: 'secrets/locked-out',
      message: `${join(dirname(this.shown), RECIPIENTS_FILE)} does not list your own key: you could not open ${this.shown} again`,
      hint: 'add your public key (`age-keygen -y FILE` prints it), or have somebody of those who are listed write the store; nothing was written',
    });
  }

  #changedMeanwhile(): InputError {
    return new InputError({
      kind: 'secrets/changed',
      message: `${this.shown} was changed by something else in the meantime; nothing was written`,
      hint: 'do it again',
    });
  }
}

/** What a link points to is written, not the link. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch (cause) {
    throw noStore(file, cause);
  }
}

function beingChanged(file: string, { path, name = 'another process', runsHere }: LockHolder): LockedError {
  return new LockedError({
    kind: 'secrets/locked',
    message: runsHere
      ? `${file} is being changed by ${name}`
      : `${file} may be being changed by ${name}; whether that still runs cannot be seen from here`,
    hint: `wait until that is done, and do it again${runsHere ? '' : `; when you know that it is over, remove ${path}`}`,
  });
}
