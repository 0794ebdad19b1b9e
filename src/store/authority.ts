import { X509Certificate } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PgprovError } from '../lib/errors.js';
import { pgprov } from '../lib/pgprov-command.js';
import { readIfThere } from './files.js';
import { endOf, issueNode, makeAuthority, type KeyPair, type NodeIdentity } from './issue.js';
import { readCertificate } from './renewal.js';
import { issuedBy, Revocations, type IssuedCertificate } from './revocations.js';
import {
  FIRST_TRUST,
  generationOf,
  nextName,
  phaseOf,
  readTrust,
  splitBundle,
  takeStep,
  type RotationPhase,
  type RotationStep,
  type Trust,
} from './trust.js';
import { writeKept, writingStore } from './writing.js';

/** The cluster that an authority is for, and the file of its inventory, for commands that messages name. */
export interface AuthorityOwner {
  readonly cluster: string;
  readonly file: string;
}

/** One certificate authority that a cluster has, or had. */
export interface KnownAuthority {
  /** 1 for the first, 2 for the one that the first rotation made. */
  generation: number;
  certificate: string;
  issuing: boolean;
  trusted: boolean;
}

/** Stands for a certificate that a mere look does not make. */
const NOT_MADE = '(a new certificate authority, made by `certs renew --ca`)\n';

/**
 * The file with the certificate of the authority that issues, which need not be there yet.
 * @param directory where the cluster's certificates are kept
 * @throws PgprovError `store/unreadable`
 */
export async function authorityFile(directory: string): Promise<string> {
  const path = join(directory, 'authorities.json');
  return join(directory, `${readTrust(await readIfThere(path), path).issuing}.crt`);
}

/** The cluster's certificate authorities, in a directory of the control machine; their keys never leave it. */
export class Authority {
  readonly #directory: string;
  readonly #owner: AuthorityOwner;
  readonly #certificates = new Map<string, string>();
  readonly revocations: Revocations;
  #trust: Trust = FIRST_TRUST;
  /** Key of an authority that is not written down yet. */
  #newKey: { name: string; key: string } | undefined;
  #stepped = false;

  private constructor(directory: string, owner: AuthorityOwner, revocations: Revocations) {
    this.#directory = directory;
    this.#owner = owner;
    this.revocations = revocations;
  }

  /**
   * Reads what there is.
   * @throws PgprovError `store/unreadable` when it does not belong together
   */
  static async open(directory: string, owner: AuthorityOwner): Promise<Authority> {
    const authority = new Authority(directory, owner, await Revocations.open(directory));
    authority.#trust = readTrust(await readIfThere(authority.#trustFile), authority.#trustFile);
    for (const name of await namesIn(directory)) {
      const certificate = await readIfThere(join(directory, `${name}.crt`));
      if (certificate !== undefined) authority.#certificates.set(name, certificate);
    }
    authority.#insistOnRotated();
    return authority;
  }

  get #trustFile(): string {
    return join(this.#directory, 'authorities.json');
  }

  /** The certificate of the authority that issues, if it was made. */
  get certificate(): string | undefined {
    return this.#certificates.get(this.#trust.issuing);
  }

  /** What hosts are to have in ca.crt: the certificates of all trusted authorities; undefined before the first was made. */
  get bundle(): string | undefined {
    if (this.certificate === undefined) return undefined;
    return this.#trust.trusted.map((name) => this.#certificates.get(name) ?? '').join('');
  }

  /** The phase of the rotation that is under way, if one is. */
  get phase(): RotationPhase | undefined {
    return phaseOf(this.#trust);
  }

  /** Every authority that the cluster has or had, oldest first. */
  get known(): KnownAuthority[] {
    const { issuing, trusted } = this.#trust;
    return [...this.#certificates]
      .map(([name, certificate]) => ({
        generation: generationOf(name),
        certificate,
        issuing: name === issuing,
        trusted: trusted.includes(name),
      }))
      .sort((a, b) => a.generation - b.generation);
  }

  /** True for a bundle of nothing but authorities of this cluster; a single foreign one makes it foreign. */
  knows(bundle: string): boolean {
    const own = new Set([...this.#certificates.values()].flatMap((text) => splitBundle(text) ?? []));
    return splitBundle(bundle)?.every((certificate) => own.has(certificate)) === true;
  }

  /** Only a first authority may be made where there is none; of a later one there must be a certificate. */
  #insistOnRotated(): void {
    const { issuing, trusted } = this.#trust;
    const missing = [issuing, ...trusted].find((name) => name !== FIRST_TRUST.issuing && !this.#certificates.has(name));
    if (missing === undefined) return;
    throw new PgprovError({
      kind: 'store/unreadable',
      message: `${join(this.#directory, `${missing}.crt`)} is not there, though the cluster's hosts trust it`,
      hint: 'bring the directory back from a backup, all of its files together',
    });
  }

  /** Makes the first authority, unless there is one. */
  async ensure(): Promise<void> {
    const { issuing } = this.#trust;
    if (this.#certificates.has(issuing)) return;
    const { certificate, key } = await this.#makePair(issuing, await readIfThere(this.#keyFile(issuing)));
    await writeKept(this.#keyFile(issuing), key);
    // Before the certificate, which says that the authority is made: so a cluster that begins has its list.
    await this.revocations.begin({ certificate, key });
    await writeKept(join(this.#directory, `${issuing}.crt`), certificate);
    this.#certificates.set(issuing, certificate);
  }

  /** Takes a step of a rotation, in memory until `save`. */
  async take(step: RotationStep, { writable }: { writable: boolean }): Promise<void> {
    const next = nextName(this.#certificates.keys());
    this.#trust = takeStep(this.#trust, step, next);
    this.#stepped = true;
    if (!this.#trust.trusted.includes(next)) return;
    if (!writable) {
      this.#certificates.set(next, NOT_MADE);
      return;
    }
    const { certificate, key } = await this.#makePair(next);
    this.#certificates.set(next, certificate);
    this.#newKey = { name: next, key };
  }

  /** Writes down what `take` did; last the file that makes it count. */
  async save(): Promise<void> {
    if (!this.#stepped) return;
    if (this.#newKey !== undefined) {
      const { name, key } = this.#newKey;
      await writeKept(this.#keyFile(name), key);
      await writeKept(join(this.#directory, `${name}.crt`), this.#certificates.get(name) ?? '');
    }
    await writeKept(this.#trustFile, `${JSON.stringify(this.#trust, undefined, 2)}\n`);
    this.#newKey = undefined;
    this.#stepped = false;
  }

  /** A node's pair as it is kept, without judging it. */
  async node(name: string): Promise<KeyPair | undefined> {
    const certificate = await readIfThere(join(this.#directory, 'nodes', `${name}.crt`));
    const key = await readIfThere(join(this.#directory, 'nodes', `${name}.key`));
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  }

  /** Keeps a node's pair. One of which only the key was written is seen not to fit, and made anew. */
  async keepNode(name: string, { certificate, key }: KeyPair): Promise<void> {
    const nodes = join(this.#directory, 'nodes');
    await this.revocations.note(name, (await this.node(name))?.certificate ?? '');
    await writingStore(nodes, () => mkdir(nodes, { recursive: true, mode: 0o700 }));
    await writeKept(join(nodes, `${name}.key`), key);
    await writeKept(join(nodes, `${name}.crt`), certificate);
    await this.revocations.note(name, certificate);
  }

  /** The hosts that a pair is kept of, which may be gone. */
  async nodes(): Promise<string[]> {
    return (await entriesOf(join(this.#directory, 'nodes'))).flatMap((entry) => /^(?<name>.+)\.crt$/u.exec(entry)?.groups?.['name'] ?? []);
  }

  /** The certificates of a host that this machine knows of and that are good yet, the present one last. */
  async issuedTo(name: string): Promise<IssuedCertificate[]> {
    const present = readCertificate((await this.node(name))?.certificate ?? '');
    const noted = this.revocations.issuedTo(name);
    if (present === undefined || endOf(present) < Date.now()) return [...noted];
    const now = issuedBy(present);
    return [...noted.filter(({ serial }) => serial !== now.serial), now];
  }

  /**
   * Has certificates of a host accepted no more: they go on the list, and a pair of the host that is among them is kept, so that it can be tried.
   * @throws PgprovError `store/no-ca-key` where the authority's key is not there
   */
  async revoke(name: string, certificates: readonly IssuedCertificate[]): Promise<void> {
    const authority = await this.#signing(`a list that ${name} is on`);
    const pair = await this.node(name);
    const serial = serialOf(pair?.certificate);
    if (pair !== undefined && serial !== undefined && certificates.some((each) => each.serial === serial)) {
      const directory = this.#revokedDirectory;
      await writingStore(directory, () => mkdir(directory, { recursive: true, mode: 0o700 }));
      await writeKept(join(directory, `${serial}.key`), pair.key);
      await writeKept(join(directory, `${serial}.crt`), pair.certificate);
    }
    await this.revocations.revoke(name, certificates, authority);
  }

  /** The pair of a certificate that is accepted no more, where this machine had it. */
  async revokedPair(serial: string): Promise<KeyPair | undefined> {
    const [certificate, key] = await Promise.all(
      ['crt', 'key'].map((part) => readIfThere(join(this.#revokedDirectory, `${serial}.${part}`))),
    );
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  }

  get #revokedDirectory(): string {
    return join(this.#directory, 'revoked');
  }

  /** Whether the key is there by which certificates and lists are signed. */
  async signs(): Promise<boolean> {
    return (await readIfThere(this.#keyFile(this.#trust.issuing))) !== undefined;
  }

  /**
   * Makes a pair for a node; nothing is written.
   * @param days for which it is good; default: as those of nodes are
   * @throws PgprovError when the authority's key is not there, or it has expired
   */
  async issue(identity: NodeIdentity, days?: number): Promise<KeyPair> {
    return issueNode(this.#directory, identity, await this.#signing(`a certificate for ${identity.name}`), days);
  }

  /** The authority that issues, with its key; `what` is needed of it. */
  async #signing(what: string): Promise<KeyPair> {
    const { issuing } = this.#trust;
    const certificate = this.certificate ?? '';
    const key = this.#newKey?.name === issuing ? this.#newKey.key : await readIfThere(this.#keyFile(issuing));
    if (key === undefined) {
      throw new PgprovError({
        kind: 'store/no-ca-key',
        message: `${what} is needed, but ${this.#keyFile(issuing)} is not there`,
        hint: 'bring the key back from where the cluster was first provisioned; a new authority would shut the nodes out',
      });
    }
    if (endOf(new X509Certificate(certificate)) < Date.now()) {
      throw new PgprovError({
        kind: 'store/ca-expired',
        message: `${what} is needed, but the cluster's certificate authority has expired`,
        hint: `make a new one with ${pgprov`certs renew ${this.#owner} --ca`}`,
      });
    }
    return { certificate, key };
  }

  #keyFile(name: string): string {
    return join(this.#directory, `${name}.key`);
  }

  /** Each generation has a name of its own, because OpenSSL looks for a certificate's issuer by name. */
  #makePair(name: string, key?: string): Promise<KeyPair> {
    const generation = generationOf(name);
    return makeAuthority(this.#directory, `pgprov CA ${generation === 1 ? '' : `${generation} `}of ${this.#owner.cluster}`, key);
  }
}

/** By host, which may be gone: the certificates that an authority signed, as far as that is known, and that are good yet; the present one last. */
export async function issuedCertificates(authority: Authority): Promise<Map<string, IssuedCertificate[]>> {
  const all = (await authority.nodes()).map(async (host): Promise<[string, IssuedCertificate[]]> => [host, await authority.issuedTo(host)]);
  return new Map(await Promise.all(all));
}

async function namesIn(directory: string): Promise<string[]> {
  return (await entriesOf(directory)).flatMap((entry) => /^(?<name>ca(?:-\d+)?)\.crt$/u.exec(entry)?.groups?.['name'] ?? []);
}

function serialOf(pem = ''): string | undefined {
  const certificate = readCertificate(pem);
  return certificate === undefined ? undefined : issuedBy(certificate).serial;
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
