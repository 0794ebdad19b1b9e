import { isIP } from 'node:net';
import { join } from 'node:path';
import type { X509Certificate } from 'node:crypto';
import { PgprovError } from '../lib/errors.js';
import { readIfThere } from './files.js';
import { endOf, type KeyPair } from './issue.js';
import { readCertificate } from './renewal.js';
import { makeRevocationList, plain, serialsIn } from './revocation-list.js';
import { writeKept } from './writing.js';

/** A certificate that the cluster's authority signed for a host. */
export interface IssuedCertificate {
  /** Hexadecimal, in upper case, without leading zeros. */
  serial: string;
  /** Until when it is good, ISO 8601. */
  until: string;
  /** DNS names and addresses in it, but those of the host for itself. */
  names: readonly string[];
}

/** One that is accepted no more. */
export interface RevokedCertificate extends IssuedCertificate {
  /** The host that had it. */
  host: string;
  /** Since when, ISO 8601. */
  since: string;
}

/** What is written down. */
interface Kept {
  /** That of the last list; 0: none was made. */
  number: number;
  /** The list in DER, in base64; absent: hosts are to have none. */
  list?: string;
  revoked: readonly RevokedCertificate[];
  /** By host, the oldest first: what it had, and has. */
  issued: Readonly<Record<string, readonly IssuedCertificate[]>>;
}

const NOTHING: Kept = { number: 0, revoked: [], issued: {} };

/** Which certificates of a cluster are accepted no more, and which its hosts have had, in a directory of the control machine. */
export class Revocations {
  readonly #directory: string;
  #kept: Kept;

  private constructor(directory: string, kept: Kept) {
    this.#directory = directory;
    this.#kept = kept;
  }

  /**
   * Reads what there is.
   * @throws PgprovError `store/unreadable` where it is not what pgprov wrote
   */
  static async open(directory: string): Promise<Revocations> {
    const path = fileIn(directory);
    return new Revocations(directory, readKept(await readIfThere(path), path));
  }

  /** The list that hosts are to have, in DER; undefined: they are to have none. */
  get list(): Buffer | undefined {
    const { list } = this.#kept;
    return list === undefined ? undefined : Buffer.from(list, 'base64');
  }

  get revoked(): readonly RevokedCertificate[] {
    return this.#kept.revoked;
  }

  /** The certificates that hosts have had since pgprov writes that down, and that are good yet. */
  issuedTo(host: string): readonly IssuedCertificate[] {
    return (this.#kept.issued[host] ?? []).filter(isGood);
  }

  isRevoked(serial: string): boolean {
    return this.#kept.revoked.some((each) => each.serial === plain(serial));
  }

  /** Makes the list of a cluster that begins, on which nothing stands, so that its store knows it from its first start. */
  async begin(authority: KeyPair): Promise<void> {
    const list = await makeRevocationList(this.#directory, authority, [], 1);
    await this.#write({ ...this.#kept, number: 1, list: list.toString('base64'), revoked: [] });
  }

  /** Writes down that a host has this certificate from now on; one that cannot be read is passed over. */
  async note(host: string, pem: string): Promise<void> {
    const certificate = readCertificate(pem);
    if (certificate === undefined) return;
    const now = issuedBy(certificate);
    const before = this.issuedTo(host).filter(({ serial }) => serial !== now.serial);
    await this.#write({ ...this.#kept, issued: { ...this.#kept.issued, [host]: [...before, now] } });
  }

  /**
   * Makes the list anew, with more on it; what has ended by itself stays, so that hosts never have more on theirs than is known here. The list is
   * whole before anything is written.
   * @param authority the one that issues
   * @throws PgprovError `store/revocation-list`
   */
  async revoke(host: string, certificates: readonly IssuedCertificate[], authority: KeyPair): Promise<void> {
    const since = new Date().toISOString();
    const more = certificates.filter(({ serial }) => !this.isRevoked(serial)).map((each) => ({ ...each, host, since }));
    const revoked = [...this.#kept.revoked, ...more];
    const number = this.#kept.number + 1;
    const list = await makeRevocationList(this.#directory, authority, revoked, number);
    await this.#write({ ...this.#kept, number, list: list.toString('base64'), revoked });
  }

  async #write(kept: Kept): Promise<void> {
    // Said first, because several notes are taken at once.
    this.#kept = kept;
    await writeKept(fileIn(this.#directory), `${JSON.stringify(kept, undefined, 2)}\n`);
  }
}

/** What a certificate says of itself. */
export function issuedBy(certificate: X509Certificate): IssuedCertificate {
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .map((entry) => entry.slice(entry.indexOf(':') + 1))
    .filter((name) => name !== '' && !OWN.has(name));
  return { serial: plain(certificate.serialNumber), until: new Date(endOf(certificate)).toISOString(), names };
}

/** The addresses among the names of certificates. */
export function addressesOf(certificates: readonly Pick<IssuedCertificate, 'names'>[]): string[] {
  return [...new Set(certificates.flatMap(({ names }) => names.filter((name) => isIP(name) !== 0)))];
}

/** Every certificate has these, see `issueNode`. */
const OWN = new Set(['localhost', '127.0.0.1', '::1', '0:0:0:0:0:0:0:1']);

function isGood({ until }: IssuedCertificate): boolean {
  return Date.parse(until) > Date.now();
}

function fileIn(directory: string): string {
  return join(directory, 'revocations.json');
}

function readKept(text: string | undefined, path: string): Kept {
  if (text === undefined) return NOTHING;
  const kept = parse(text);
  if (kept !== undefined) return kept;
  throw new PgprovError({
    kind: 'store/unreadable',
    message: `${path} does not say which of the cluster's certificates are accepted no more`,
    hint: 'bring the file back from a backup; without it a host that was taken out could come back',
  });
}

/** What is written there; undefined where the list is not one of exactly these certificates. */
function parse(text: string): Kept | undefined {
  try {
    const { number, list, revoked, issued } = JSON.parse(text) as Partial<Kept>;
    if (typeof number !== 'number' || !Array.isArray(revoked) || typeof issued !== 'object' || issued === null) return undefined;
    const kept: Kept = { number, revoked, issued, ...(list === undefined ? {} : { list }) };
    if (list === undefined) return revoked.length === 0 ? kept : undefined;
    const said = serialsIn(Buffer.from(list, 'base64'));
    const isSame = said?.length === revoked.length && kept.revoked.every(({ serial }) => said.includes(serial));
    return isSame ? kept : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
