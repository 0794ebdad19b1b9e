import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PgprovError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { Authority, type KeyPair, type NodeIdentity } from './authority.js';
import { readIfThere, writePrivate } from './files.js';
import type { Material } from './material.js';

/** What the control machine remembers of a host, to save a round trip. */
export interface RememberedHost {
  /** Platform id, e.g. `debian13`. */
  platform: string;
}

/** Bits of a generated password: 24 bytes, written as 32 characters that need no quoting anywhere. */
const PASSWORD_BYTES = 24;

/** Where keys and passwords of an inventory's cluster are kept. */
export function storeDirectory(inventoryDirectory: string, cluster: string): string {
  return join(inventoryDirectory, '.pgprov', cluster);
}

/**
 * A cluster's keys, passwords and remembered facts, in `.pgprov/<cluster>/` beside the inventory: 0700,
 * every file 0600, kept out of version control.
 */
export class Store implements Material {
  readonly directory: string;
  readonly #authority: Authority;
  readonly #writable: boolean;
  #passwords: Record<string, string> = {};
  #remembered: Record<string, RememberedHost> = {};
  #generated: string[] = [];
  #caCertificate: string | undefined;
  readonly #nodes = new Map<string, KeyPair>();

  private constructor(directory: string, cluster: string, writable: boolean) {
    this.directory = directory;
    this.#authority = new Authority(join(directory, 'pki'), cluster);
    this.#writable = writable;
  }

  /**
   * Opens the store. Read-only (for `plan`) nothing is made: what is missing is stood in for by text that
   * says so, and never leaves this machine.
   */
  static async open(directory: string, cluster: string, options: { writable: boolean }): Promise<Store> {
    const store = new Store(directory, cluster, options.writable);
    if (options.writable) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chmod(directory, 0o700);
      await writeFile(join(directory, '..', '.gitignore'), '*\n');
    }
    store.#passwords = readMapping(await readIfThere(store.#passwordFile), store.#passwordFile);
    store.#remembered = readRemembered(await readIfThere(store.#hostsFile));
    store.#caCertificate = await store.#authority.certificate();
    return store;
  }

  get #passwordFile(): string {
    return join(this.directory, 'passwords.yml');
  }

  get #hostsFile(): string {
    return join(this.directory, 'hosts.json');
  }

  /** True when the cluster has an authority already: it was provisioned from here before. */
  get initialised(): boolean {
    return this.#caCertificate !== undefined;
  }

  /** Names of the passwords made since the store was opened. */
  get generated(): readonly string[] {
    return this.#generated;
  }

  /** Makes, or finds, the authority and a key pair for each of these nodes. */
  async prepareNodes(identities: readonly NodeIdentity[]): Promise<void> {
    if (identities.length === 0) return;
    if (this.#writable) this.#caCertificate = await this.#authority.ensure();
    await Promise.all(
      identities.map(async (identity) => {
        const pair = this.#writable
          ? await this.#authority.ensureNode(identity)
          : await this.#authority.node(identity.name);
        if (pair !== undefined) this.#nodes.set(identity.name, pair);
      }),
    );
  }

  get caCertificate(): string {
    return this.#caCertificate ?? '(made by the first apply)\n';
  }

  node(host: string): { certificate: string; key: Secret } {
    const pair = this.#nodes.get(host);
    return {
      certificate: pair?.certificate ?? '(made by the first apply)\n',
      key: new Secret(pair?.key ?? '(private key, made by the first apply)\n'),
    };
  }

  password(path: string, given: unknown): Secret {
    if (given instanceof Secret) return given;
    const kept = this.#passwords[path];
    if (kept !== undefined) return new Secret(kept);
    const made = randomBytes(PASSWORD_BYTES).toString('base64url');
    this.#passwords[path] = made;
    this.#generated.push(path);
    return new Secret(made);
  }

  /** Writes new passwords down; nothing that uses them may leave this machine before. */
  async savePasswords(): Promise<void> {
    if (!this.#writable || this.#generated.length === 0) return;
    const head = '# Passwords that pgprov made. Keep this file: without it the cluster cannot be managed.\n';
    await writePrivate(this.#passwordFile, head + stringify(this.#passwords));
  }

  /** The platform a host had when it was last seen. */
  remembered(host: string): RememberedHost | undefined {
    return this.#remembered[host];
  }

  /** Remembers what hosts are. */
  async remember(hosts: Readonly<Record<string, RememberedHost>>): Promise<void> {
    const next = { ...this.#remembered, ...hosts };
    const text = `${JSON.stringify(next, undefined, 2)}\n`;
    if (!this.#writable || text === `${JSON.stringify(this.#remembered, undefined, 2)}\n`) return;
    this.#remembered = next;
    await writePrivate(this.#hostsFile, text);
  }
}

/** What is remembered only saves a round trip, so a broken file is as good as none. */
function readRemembered(text: string | undefined): Record<string, RememberedHost> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, RememberedHost>;
  } catch {
    return {};
  }
}

function tryParse(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function readMapping(text: string | undefined, path: string): Record<string, string> {
  if (text === undefined) return {};
  const value = tryParse(text);
  const sound =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === 'string');
  if (sound) return { ...(value as Record<string, string>) };
  throw new PgprovError({
    kind: 'store/unreadable',
    message: `${path} does not hold the passwords that pgprov wrote`,
    hint: 'bring the file back from a backup; new passwords would not fit the running cluster',
  });
}
