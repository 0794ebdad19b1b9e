import { X509Certificate } from 'node:crypto';
import { Secret } from '../lib/secret.js';
import { Authority, type AuthorityOwner } from './authority.js';
import type { KeyPair, NodeIdentity } from './issue.js';
import { NoIdentity } from './no-identity.js';
import { readCertificate, reasonToRenew, RENEW_WITHIN_DAYS, type Renewal } from './renewal.js';

/** Stand for what a mere look does not make. */
const MADE_FIRST = '(made by the first apply)\n';
const MADE_ANEW = '(made anew)\n';

/** A host's pair, or what a plan shows for one that only an apply makes. */
type HostPair = { made: true; pair: KeyPair } | { made: false; standIn: string };

/** Certificates and keys as hosts are to have them. What is missing is made at once; what takes the place of something waits for `save`. */
export class Certificates {
  readonly authority: Authority;
  readonly #writable: boolean;
  readonly #renewal: Renewal;
  readonly #pairs = new Map<string, HostPair>();
  readonly #unsaved = new Set<string>();

  private constructor(authority: Authority, writable: boolean, renewal: Renewal) {
    this.authority = authority;
    this.#writable = writable;
    this.#renewal = renewal;
  }

  /**
   * The list of certificates that are accepted no more, in DER, as hosts are to have it; of a cluster that is not made yet a text that stands for
   * it. undefined: hosts have none, because the cluster was made before there were any, and none has been revoked since.
   */
  get revocationList(): Buffer | undefined {
    return this.authority.certificate === undefined ? Buffer.from(MADE_FIRST) : this.authority.revocations.list;
  }

  /** Reads what there is in a directory; not writable, nothing is made, and text that says so stands for it. */
  static async open(directory: string, owner: AuthorityOwner, writable: boolean, renewal: Renewal = {}): Promise<Certificates> {
    return new Certificates(await Authority.open(directory, owner), writable, renewal);
  }

  /** Notes that the authority which a rotation retired is gone from all hosts. */
  async finishRotation(): Promise<void> {
    await this.authority.take('finish', { writable: this.#writable });
    await this.authority.save();
  }

  /**
   * PEM of all authorities that hosts are to trust.
   * @throws NoIdentity where the cluster has none, because no host has a pair
   */
  get bundle(): string {
    const { bundle } = this.authority;
    if (bundle !== undefined) return bundle;
    if (this.#pairs.size === 0) throw new NoIdentity(undefined);
    return MADE_FIRST;
  }

  /**
   * A host's pair.
   * @throws NoIdentity for a host that has none
   */
  node(host: string): { certificate: string; key: Secret } {
    const known = this.#pairs.get(host);
    if (known === undefined) throw new NoIdentity(host);
    if (!known.made) return { certificate: known.standIn, key: new Secret(`(private key) ${known.standIn}`) };
    return { certificate: known.pair.certificate, key: new Secret(known.pair.key) };
  }

  /** Makes, or finds, the authority and a pair for each of these nodes. */
  async prepare(identities: readonly NodeIdentity[]): Promise<void> {
    if (identities.length === 0) return;
    if (this.#writable) await this.authority.ensure();
    if (this.#renewal.rotation !== undefined && this.authority.certificate !== undefined) {
      await this.authority.take(this.#renewal.rotation, { writable: this.#writable });
    }
    await Promise.all(identities.map((identity) => this.#prepareNode(identity)));
  }

  /** Writes down what takes the place of something; nothing of it may leave this machine before. Of nodes, only those of these hosts. */
  async save(hosts: readonly string[]): Promise<void> {
    if (!this.#writable) return;
    await this.authority.save();
    for (const name of hosts) {
      const known = this.#pairs.get(name);
      if (known?.made === true && this.#unsaved.delete(name)) await this.authority.keepNode(name, known.pair);
    }
  }

  async #prepareNode(identity: NodeIdentity): Promise<void> {
    const { name } = identity;
    const kept = await this.authority.node(name);
    if (kept !== undefined && !this.#isDue(kept, identity)) {
      this.#pairs.set(name, { made: true, pair: kept });
      return;
    }
    if (!this.#writable) {
      this.#pairs.set(name, { made: false, standIn: kept === undefined ? MADE_FIRST : MADE_ANEW });
      return;
    }
    const pair = await this.authority.issue(identity);
    this.#pairs.set(name, { made: true, pair });
    if (kept === undefined) await this.authority.keepNode(name, pair);
    else this.#unsaved.add(name);
  }

  /** A host that comes back under its name gets another one, also where nothing else is renewed. */
  #isRevoked({ certificate }: KeyPair): boolean {
    const read = readCertificate(certificate);
    return read !== undefined && this.authority.revocations.isRevoked(read.serialNumber);
  }

  #isDue(kept: KeyPair, identity: NodeIdentity): boolean {
    const { hosts, all = false, withinDays = RENEW_WITHIN_DAYS, rotation } = this.#renewal;
    if (this.#isRevoked(kept)) return true;
    if (hosts?.includes(identity.name) === false) return false;
    if (all || rotation === 'replace') return true;
    const issuer = this.authority.certificate;
    return issuer !== undefined && reasonToRenew(kept, new X509Certificate(issuer), identity, withinDays) !== undefined;
  }
}
