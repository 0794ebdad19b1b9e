import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PgprovError } from '../lib/errors.js';
import { makePassword } from '../lib/password.js';
import { Secret } from '../lib/secret.js';
import type { AuthorityOwner } from './authority.js';
import { Certificates } from './certificates.js';
import { readIfThere } from './files.js';
import type { ClusterCredentials } from './cluster-credentials.js';
import type { Renewal } from './renewal.js';
import { endRotation, readRotation, writeRotation, type PasswordRotation } from './password-rotation.js';
import { writeKept, writingStore } from './writing.js';

/** What the control machine remembers of a host, to save a round trip. */
export interface RememberedHost {
  /** Platform id, e.g. `debian13`. */
  platform: string;
}

/** What `.gitignore` has: all of the directory that it lies in. */
const IGNORED = '*\n';

/** Where keys and passwords of an inventory's cluster are kept. */
export function storeDirectory(inventoryDirectory: string, cluster: string): string {
  return join(inventoryDirectory, '.pgprov', cluster);
}

/** Where a cluster's certificates and their keys are kept. */
export function certificatesDirectory(inventoryDirectory: string, cluster: string): string {
  return join(storeDirectory(inventoryDirectory, cluster), 'pki');
}

/**
 * A cluster's keys, passwords and remembered facts, in `.pgprov/<cluster>/` beside the inventory: 0700,
 * every file 0600, kept out of version control.
 */
export class Store implements ClusterCredentials {
  readonly directory: string;
  readonly certificates: Certificates;
  readonly #writable: boolean;
  #passwords: Record<string, string> = {};
  #remembered: Record<string, RememberedHost> = {};
  #generated: string[] = [];
  #rotation: PasswordRotation | undefined;
  readonly #revokedPairs = new Map<string, { certificate: string; key: Secret }>();

  private constructor(directory: string, certificates: Certificates, writable: boolean) {
    this.directory = directory;
    this.certificates = certificates;
    this.#writable = writable;
  }

  /**
   * Opens the store. Read-only (for `plan`) nothing is made: what is missing is stood in for by text that
   * says so, and never leaves this machine. `renewal`: which certificates are made anew; default: those that must be.
   */
  static async open(directory: string, owner: AuthorityOwner, options: { writable: boolean; renewal?: Renewal }): Promise<Store> {
    const { writable, renewal } = options;
    const store = new Store(directory, await Certificates.open(join(directory, 'pki'), owner, writable, renewal), writable);
    if (options.writable) {
      await writingStore(directory, () => makeDirectory(directory));
    }
    store.#passwords = readMapping(await readIfThere(store.#passwordFile), store.#passwordFile);
    store.#takeRotation(await readRotation(directory));
    store.#remembered = readRemembered(await readIfThere(store.#hostsFile));
    const { authority } = store.certificates;
    for (const { serial } of authority.revocations.revoked) {
      const pair = await authority.revokedPair(serial);
      if (pair !== undefined) store.#revokedPairs.set(serial, { certificate: pair.certificate, key: new Secret(pair.key) });
    }
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
    return this.certificates.authority.certificate !== undefined;
  }

  /** Where the inventory may give the passwords that are known here. */
  get known(): readonly string[] {
    return Object.keys(this.#passwords);
  }

  get generated(): readonly string[] {
    return this.#generated;
  }

  get caCertificate(): string {
    return this.certificates.bundle;
  }

  knowsAuthority(bundle: string): boolean {
    return this.certificates.authority.knows(bundle);
  }

  node(host: string): { certificate: string; key: Secret } {
    return this.certificates.node(host);
  }

  get revocationList(): Buffer | undefined {
    return this.certificates.revocationList;
  }

  get revoked(): ClusterCredentials['revoked'] {
    return this.certificates.authority.revocations.revoked.map((each) => {
      const pair = this.#revokedPairs.get(each.serial);
      return pair === undefined ? each : { ...each, pair };
    });
  }

  password(path: string, given: unknown, make: () => string = makePassword): Secret {
    const kept = this.#passwords[path];
    const now = given instanceof Secret ? given : kept === undefined ? undefined : new Secret(kept);
    if (now !== undefined)
      return this.#rotation?.path === path && this.#rotation.from === now.reveal() ? new Secret(this.#rotation.to) : now;
    const made = make();
    this.#passwords[path] = made;
    this.#generated.push(path);
    return new Secret(made);
  }

  former(path: string): Secret | undefined {
    return this.#rotation?.path === path ? new Secret(this.#rotation.from) : undefined;
  }

  /** The change of a password that is under way. */
  get rotation(): PasswordRotation | undefined {
    return this.#rotation;
  }

  /** Begins to change a password: from now on `password` gives the new one, and `former` the old. */
  async beginRotation(rotation: PasswordRotation): Promise<void> {
    await writeRotation(this.directory, rotation);
    this.#takeRotation(rotation);
  }

  /** Ends the change under way: a password that is kept here is replaced, and the old one forgotten. */
  async endRotation(): Promise<void> {
    const { path, from, to } = this.#rotation ?? {};
    if (path !== undefined && to !== undefined && this.#passwords[path] === from) {
      this.#passwords[path] = to;
      await this.#writePasswords();
    }
    await this.dropRotation();
  }

  /** Takes back a change that nobody has heard of: the old password stays. */
  async dropRotation(): Promise<void> {
    await endRotation(this.directory);
    this.#rotation = undefined;
  }

  #takeRotation(rotation: PasswordRotation | undefined): void {
    this.#rotation = rotation;
    // So that neither is ever shown.
    for (const value of [rotation?.from, rotation?.to]) if (value !== undefined) new Secret(value);
  }

  /** Writes new passwords down; nothing that uses them may leave this machine before. */
  async savePasswords(): Promise<void> {
    if (!this.#writable || this.#generated.length === 0) return;
    await this.#writePasswords();
    this.#generated = [];
  }

  async #writePasswords(): Promise<void> {
    const head = '# Passwords that pgprov made. Keep this file: without it the cluster cannot be managed.\n';
    await writeKept(this.#passwordFile, head + stringify(this.#passwords));
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
    await writeKept(this.#hostsFile, text);
  }
}

/** Keeps all clusters' stores beside an inventory out of version control. */
async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const ignored = join(directory, '..', '.gitignore');
  // Written anew it would be empty for good where the disk is full.
  if ((await readIfThere(ignored)) !== IGNORED) await writeFile(ignored, IGNORED);
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
    // A warning would quote what stands there.
    return parse(text, { logLevel: 'error' });
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
