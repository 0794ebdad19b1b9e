import { existsSync } from 'node:fs';
import type { Ask } from '../lib/prompt.js';
import { InputError } from '../lib/errors.js';
import { pgprov } from '../lib/pgprov-command.js';
import { looksLikeAge, parseAgeFile, unseal, type AgeFile, type Opener } from './age-file.js';
import { identitySources, usualFiles, type IdentitySource } from './identity-sources.js';
import { readPrivateFile } from './private-file.js';

/** As often as a passphrase is asked for. */
const TRIES = 3;

/** An identity on hardware or elsewhere, which only its plugin can use. */
const PLUGIN = /^AGE-PLUGIN-[A-Z0-9-]+1[A-Z0-9]+$/u;

const LINE = /^AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]+$/u;

/** What is given to open files with. */
export interface KeyOptions {
  env: NodeJS.ProcessEnv;
  /** Identity files of the command line; they alone are used when there are any. */
  files?: readonly string[];
  /** Asks for a passphrase; undefined where there is nobody to ask. */
  ask?: Ask | undefined;
}

/** An opened file, and what opened it. */
export interface Opened {
  plaintext: Uint8Array;
  opener: Opener;
}

interface Identities {
  shown: string;
  /** The identities, or the file that holds them under a passphrase. */
  content: readonly string[] | AgeFile;
}

/** The identities of whoever runs pgprov. Files are read, and passphrases asked for, when one is first needed. */
export class AgeKeys {
  readonly #options: KeyOptions;
  #identities: Promise<Identities[]> | undefined;
  readonly #unlocked = new Map<AgeFile, readonly string[]>();

  constructor(options: KeyOptions) {
    this.#options = options;
  }

  /** @throws InputError saying why it cannot be opened, and with what it was tried */
  async open(file: AgeFile): Promise<Opened> {
    if (file.byPassphrase) return this.#openByPassphrase(file);
    const all = await this.#all();
    const plain = all.flatMap(({ content }) => ('bytes' in content ? [] : content));
    const opened = await tryIdentities(file, plain);
    if (opened !== undefined) return opened;
    for (const { content } of all) {
      const unlocked = 'bytes' in content ? await tryIdentities(file, await this.#unlock(content)) : undefined;
      if (unlocked !== undefined) return unlocked;
    }
    const tried = all.map(({ shown }) => shown);
    if (tried.length === 0) throw this.#noIdentity(file);
    throw new InputError({
      kind: 'secrets/wrong-identity',
      message: `${file.shown} is not encrypted for the identity in ${tried.join(', ')}`,
      hint: `name the right identity file with PGPROV_AGE_KEY_FILE, or have somebody who can open the store add your public key to its recipients and run ${pgprov`secrets reencrypt -f ${file.shown}`}`,
    });
  }

  /**
   * The public keys of the first place that holds identities; empty when there is none.
   * @throws InputError when it cannot be read or stays locked
   */
  async publicKeys(): Promise<string[]> {
    const [first] = await this.#all();
    if (first === undefined) return [];
    const { identityToRecipient } = await import('age-encryption');
    const identities = 'bytes' in first.content ? await this.#unlock(first.content) : first.content;
    return Promise.all(identities.map(identityToRecipient));
  }

  /** The identities that are at hand; those that are locked by a passphrase stay so. */
  async #all(): Promise<Identities[]> {
    const { files = [], env } = this.#options;
    this.#identities ??= Promise.all(identitySources(files, env).map(readSource)).then((all) => all.filter((found) => found !== undefined));
    return this.#identities;
  }

  async #unlock(locked: AgeFile): Promise<readonly string[]> {
    let identities = this.#unlocked.get(locked);
    if (identities === undefined) {
      const { plaintext } = await this.#openByPassphrase(locked);
      identities = parseIdentities(Buffer.from(plaintext).toString('utf8'), locked.shown);
      this.#unlocked.set(locked, identities);
    }
    return identities;
  }

  async #openByPassphrase(file: AgeFile): Promise<Opened> {
    for (let count = 0; count < TRIES; count += 1) {
      const again = count === 0 ? '' : 'That does not open it. ';
      const passphrase = await this.#options.ask?.(`${again}Passphrase of ${file.shown}: `);
      if (passphrase === undefined || passphrase === '') throw noPassphrase(file, passphrase === '');
      const plaintext = await unseal(file, { passphrase });
      if (plaintext !== undefined) return { plaintext, opener: { passphrase } };
    }
    throw new InputError({ kind: 'secrets/wrong-passphrase', message: `none of the passphrases opens ${file.shown}` });
  }

  #noIdentity({ shown }: AgeFile): InputError {
    return new InputError({
      kind: 'secrets/no-identity',
      message: `${shown} needs an identity of age to be opened, and there is none`,
      hint: `put yours into ${usualFiles(this.#options.env)[0]}, or name its file with PGPROV_AGE_KEY_FILE`,
    });
  }
}

async function tryIdentities(file: AgeFile, identities: readonly string[]): Promise<Opened | undefined> {
  if (identities.length === 0) return undefined;
  const opener = { identities };
  const plaintext = await unseal(file, opener);
  return plaintext === undefined ? undefined : { plaintext, opener };
}

function noPassphrase({ shown }: AgeFile, wasAsked: boolean): InputError {
  return new InputError({
    kind: 'secrets/no-passphrase',
    message: wasAsked ? 'no passphrase was given' : `${shown} is locked by a passphrase, and there is no terminal to ask for it at`,
    hint: wasAsked
      ? `give the one of ${shown}`
      : 'run it at a terminal, or use an identity without a passphrase here: PGPROV_AGE_KEY_FILE names its file',
  });
}

async function readSource(source: IdentitySource): Promise<Identities | undefined> {
  const { shown } = source;
  if ('text' in source) return { shown, content: parseIdentities(source.text, shown) };
  if (source.mayBeMissing && !existsSync(source.path)) return undefined;
  const bytes = readIdentityFile(source.path, shown);
  return { shown, content: looksLikeAge(bytes) ? await parseAgeFile(bytes, shown) : parseIdentities(bytes.toString('utf8'), shown) };
}

function readIdentityFile(path: string, shown: string): Buffer {
  try {
    return readPrivateFile(path, shown);
  } catch (error) {
    throw new InputError({ kind: 'secrets/identity', message: `the identity cannot be used: ${(error as Error).message}`, cause: error });
  }
}

/** The identities of a file as `age-keygen` writes it. What is wrong is told without a word of it. */
function parseIdentities(text: string, shown: string): string[] {
  const wrong = (message: string, hint: string): InputError =>
    new InputError({ kind: 'secrets/identity', message: `${shown} ${message}`, hint });
  if (text.includes('PRIVATE KEY-----'))
    throw wrong('is an SSH or PEM key, which cannot open a store', 'use an identity of age: `age-keygen -o FILE` makes one');
  const lines = text.split(/\r?\n/u).map((line) => line.trim());
  const bad = lines.findIndex((line) => line !== '' && !line.startsWith('#') && !PLUGIN.test(line) && !LINE.test(line));
  if (bad >= 0)
    throw wrong(
      `holds something else than identities of age, on line ${bad + 1}`,
      'an identity is a line that begins with AGE-SECRET-KEY-1',
    );
  const identities = lines.filter((line) => LINE.test(line));
  if (identities.length > 0) return identities;
  if (lines.some((line) => PLUGIN.test(line)))
    throw wrong('holds only identities of age plugins, which cannot be used', 'use one of age itself: `age-keygen -o FILE` makes it');
  throw wrong('holds no identity of age', 'an identity is a line that begins with AGE-SECRET-KEY-1');
}
