import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { openssl } from './openssl.js';
import { writingStore } from './writing.js';

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
const DAY = 86_400_000;

/** Makes a self-signed authority, with a new key unless one is given; `directory` is private and takes the files that openssl reads. */
export async function makeAuthority(directory: string, commonName: string, given?: string): Promise<KeyPair> {
  const key = given ?? (await makeKey());
  const certificate = await withWorkFiles(directory, { config: AUTHORITY_CONFIG, key }, ({ config, key: keyFile }) =>
    openssl('req', { x509: true, new: true, sha256: true, config, key: keyFile, subj: `/CN=${commonName}`, days: String(CA_DAYS) }),
  );
  return { certificate: certificate.toString(), key };
}

/** Makes a key and a certificate for a node, which never outlives its authority by more than the rest of a day. */
export async function issueNode(directory: string, identity: NodeIdentity, authority: KeyPair, atMost = NODE_DAYS): Promise<KeyPair> {
  const key = await makeKey();
  const days = Math.max(1, Math.min(atMost, Math.floor((endOf(new X509Certificate(authority.certificate)) - Date.now()) / DAY)));
  const texts = { config: AUTHORITY_CONFIG, key, extensions: nodeExtensions(identity), ca: authority.certificate, caKey: authority.key };
  const certificate = await withWorkFiles(directory, texts, async ({ config, key: keyFile, extensions: extfile, ca: CA, caKey: CAkey }) => {
    const request = await openssl('req', { new: true, sha256: true, config, key: keyFile, subj: `/CN=${identity.name}` });
    const serial = `0x${randomBytes(16).toString('hex')}`;
    return openssl('x509', { req: true, sha256: true, CA, CAkey, set_serial: serial, days: String(days), extfile }, request);
  });
  return { certificate: certificate.toString(), key };
}

/** When a certificate ends, in milliseconds since 1970. */
export function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

async function makeKey(): Promise<string> {
  return (await openssl('genpkey', { algorithm: 'EC', pkeyopt: 'ec_paramgen_curve:P-256' })).toString();
}

/** openssl takes keys and settings from files only, so they are where the store's own keys are, and no longer than needed. */
export async function withWorkFiles<Name extends string, Result>(
  directory: string,
  texts: Record<Name, string>,
  use: (paths: Record<Name, string>) => Promise<Result>,
): Promise<Result> {
  const work = await writingStore(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return mkdtemp(join(directory, 'work-'));
  });
  try {
    const names = Object.keys(texts) as Name[];
    const paths = Object.fromEntries(names.map((name) => [name, join(work, name)])) as Record<Name, string>;
    await writingStore(directory, () => Promise.all(names.map((name) => writeFile(paths[name], texts[name], { mode: 0o600 }))));
    return await use(paths);
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
    'authorityKeyIdentifier=keyid',
    `subjectAltName=${alternativeNames(identity).join(',')}`,
    '',
  ].join('\n');
}
