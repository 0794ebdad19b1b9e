import { X509Certificate, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgprovError } from '../lib/errors.js';
import { readIfThere, writePrivate } from './files.js';
import { openssl } from './openssl.js';

/** What a node's certificate must say. */
export interface NodeIdentity {
  /** Inventory name; the certificate's common name. */
  name: string;
  /** DNS names and IP addresses. */
  names: readonly string[];
}

/** PEM certificate and private key. */
export interface KeyPair {
  certificate: string;
  key: string;
}

const CA_DAYS = 3650;
const NODE_DAYS = 1095;

/** A node's certificate is made anew by the first apply within this many days of its end. */
export const RENEW_WITHIN_DAYS = 60;

/** The cluster's certificate authority, in a directory of the control machine; its key never leaves it. */
export class Authority {
  readonly #directory: string;
  readonly #cluster: string;

  constructor(directory: string, cluster: string) {
    this.#directory = directory;
    this.#cluster = cluster;
  }

  /** The authority's certificate, if it was made. */
  async certificate(): Promise<string | undefined> {
    return readIfThere(join(this.#directory, 'ca.crt'));
  }

  /** The authority's certificate, made on first use. */
  async ensure(): Promise<string> {
    const existing = await this.certificate();
    if (existing !== undefined) return existing;
    const keyFile = await this.#ensureKey('ca.key');
    const certificate = await withWorkFile(AUTHORITY_CONFIG, (config) =>
      openssl('req', {
        x509: true,
        new: true,
        sha256: true,
        config,
        key: keyFile,
        subj: `/CN=pgprov CA of ${this.#cluster}`,
        days: String(CA_DAYS),
      }),
    );
    await writePrivate(join(this.#directory, 'ca.crt'), certificate.toString());
    return certificate.toString();
  }

  /** A node's pair as it is kept, without judging it. */
  async node(name: string): Promise<KeyPair | undefined> {
    const certificate = await readIfThere(join(this.#directory, 'nodes', `${name}.crt`));
    const key = await readIfThere(join(this.#directory, 'nodes', `${name}.key`));
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  }

  /** A node's pair that says what it must and lasts; made, or made anew with the same key, when it does not. */
  async ensureNode(identity: NodeIdentity): Promise<KeyPair> {
    const authority = await this.ensure();
    const existing = await this.node(identity.name);
    if (existing !== undefined && fits(existing.certificate, authority, identity)) return existing;
    await mkdir(join(this.#directory, 'nodes'), { recursive: true, mode: 0o700 });
    const keyFile = await this.#ensureKey(join('nodes', `${identity.name}.key`));
    const request = await withWorkFile(AUTHORITY_CONFIG, (config) =>
      openssl('req', { new: true, sha256: true, config, key: keyFile, subj: `/CN=${identity.name}` }),
    );
    const certificate = await this.#sign(request, identity);
    await writePrivate(join(this.#directory, 'nodes', `${identity.name}.crt`), certificate);
    return { certificate, key: (await readIfThere(keyFile)) ?? '' };
  }

  async #ensureKey(name: string): Promise<string> {
    const path = join(this.#directory, name);
    if ((await readIfThere(path)) !== undefined) return path;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const key = await openssl('genpkey', { algorithm: 'EC', pkeyopt: 'ec_paramgen_curve:P-256' });
    await writePrivate(path, key.toString());
    return path;
  }

  async #sign(request: Buffer, identity: NodeIdentity): Promise<string> {
    if ((await readIfThere(join(this.#directory, 'ca.key'))) === undefined) {
      throw new PgprovError({
        kind: 'store/no-ca-key',
        message: `a certificate for ${identity.name} is needed, but ${join(this.#directory, 'ca.key')} is not there`,
        hint: 'bring the key back from where the cluster was first provisioned; a new authority would shut the nodes out',
      });
    }
    const signed = await withWorkFile(nodeExtensions(identity), (extfile) =>
      openssl(
        'x509',
        {
          req: true,
          sha256: true,
          CA: join(this.#directory, 'ca.crt'),
          CAkey: join(this.#directory, 'ca.key'),
          set_serial: `0x${randomBytes(16).toString('hex')}`,
          days: String(NODE_DAYS),
          extfile,
        },
        request,
      ),
    );
    return signed.toString();
  }
}

/** openssl takes these settings from a file only. */
async function withWorkFile<Result>(text: string, use: (path: string) => Promise<Result>): Promise<Result> {
  const work = await mkdtemp(join(tmpdir(), 'pgprov-'));
  try {
    const path = join(work, 'openssl.cnf');
    await writeFile(path, text);
    return await use(path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Everything spelled out, so that the machine's own openssl.cnf does not matter. */
const AUTHORITY_CONFIG = `[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

function alternativeNames(identity: NodeIdentity): string[] {
  const all = new Set([identity.name, ...identity.names, 'localhost', '127.0.0.1', '::1']);
  return [...all].map((name) => (isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`));
}

/** etcd's peers are clients of each other, so a node needs both uses. */
function nodeExtensions(identity: NodeIdentity): string {
  return [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth,clientAuth',
    `subjectAltName=${alternativeNames(identity).join(',')}`,
    '',
  ].join('\n');
}

function fits(certificate: string, authority: string, identity: NodeIdentity): boolean {
  const node = new X509Certificate(certificate);
  const daysLeft = (Date.parse(node.validTo) - Date.now()) / 86_400_000;
  const named = [identity.name, ...identity.names].every((name) =>
    isIP(name) === 0 ? node.checkHost(name) !== undefined : node.checkIP(name) !== undefined,
  );
  return named && daysLeft > RENEW_WITHIN_DAYS && node.verify(new X509Certificate(authority).publicKey);
}
