import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { withKeyring } from './keyring.js';
import { inLab } from './paths.js';
import { run, say } from './process.js';
import { MIRROR_NAMES, OBJECTS_NAME } from './sites.js';

/** The OpenPGP keys of the lab: of the imitated archives, and one that nobody trusts. */
export type SigningKey = 'pgdg' | 'debian' | 'rocky' | 'stranger';

const SIGNING_KEYS: SigningKey[] = ['pgdg', 'debian', 'rocky', 'stranger'];

/** What the lab serves by TLS, all with one certificate. */
const SERVER_NAMES = [...MIRROR_NAMES, OBJECTS_NAME];

/** The private key that every user of a test host accepts. */
export const IDENTITY_FILE = inLab('keys', 'id_ed25519');

/** The certificate of the authority that the test hosts trust. */
export const CA_FILE = inLab('keys', 'ca.crt');

/** The public half of a signing key, as an inventory pins it. */
export interface PublicKey {
  armored: string;
  /** The same without the armor. */
  binary: Buffer;
  /** 40 upper-case hex digits. */
  fingerprint: string;
}

/** Reads the public half of a signing key. */
export async function publicKey(name: SigningKey): Promise<PublicKey> {
  const [armored, fingerprint] = await Promise.all([
    readFile(inLab('keys', `${name}.asc`), 'utf8'),
    readFile(inLab('keys', `${name}.fingerprint`), 'utf8'),
  ]);
  return { armored, binary: dearmor(armored), fingerprint: fingerprint.trim() };
}

/** What is between the empty line and the checksum. */
function dearmor(armored: string): Buffer {
  const body = armored.slice(armored.indexOf('\n\n'), armored.lastIndexOf('\n='));
  return Buffer.from(body, 'base64');
}

/** What gpg knows a signing key by. */
export function keyAddress(name: SigningKey): string {
  return `${name}@pgprov.invalid`;
}

/** The file with the private half of a signing key. */
export function secretKeyFile(name: SigningKey): string {
  return inLab('keys', `${name}.secret`);
}

/** Makes those of the lab's keys and certificates that are not there, or lack a name that a server of the lab has by now. */
export async function ensureKeys(): Promise<void> {
  const keys = inLab('keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const signing = SIGNING_KEYS.filter((name) => !existsSync(secretKeyFile(name)));
  const login = !existsSync(IDENTITY_FILE);
  const authority = !existsSync(CA_FILE);
  const server = authority || !(await servesAll(join(keys, 'server.crt')));
  if (signing.length === 0 && !login && !server) return;

  say('making keys for SSH, TLS and package signatures');
  // Moved into place when complete, so that an interrupted run leaves nothing half done.
  const folder = inLab('keys.new');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (login) await run`ssh-keygen -q -t ed25519 -N ${''} -C pgprov-lab -f ${join(folder, 'id_ed25519')}`;
  if (authority) await makeAuthority(folder);
  if (server) await makeServerCertificate(folder, authority ? folder : keys);
  await makeSigningKeys(folder, signing);
  // The files whose absence is looked for come last.
  const names = (await readdir(folder)).sort((a, b) => Number(isMark(a)) - Number(isMark(b)));
  for (const name of names) await rename(join(folder, name), join(keys, name));
  await rm(folder, { recursive: true });
}

function isMark(name: string): boolean {
  return name.endsWith('.secret') || ['id_ed25519', 'ca.crt', 'server.crt'].includes(name);
}

/** Whether a certificate of the lab's servers is there and has all of its names. */
async function servesAll(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const certificate = new X509Certificate(await readFile(path));
  return SERVER_NAMES.every((name) => certificate.checkHost(name) !== undefined);
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '3650'];

async function makeAuthority(folder: string): Promise<void> {
  await run`openssl req -x509 ${CURVE} -keyout ${join(folder, 'ca.key')} -out ${join(folder, 'ca.crt')} -subj ${'/CN=pgprov lab authority'}`;
}

async function makeServerCertificate(folder: string, authority: string): Promise<void> {
  const signer = ['-CA', join(authority, 'ca.crt'), '-CAkey', join(authority, 'ca.key')];
  const names = `subjectAltName=${SERVER_NAMES.map((name) => `DNS:${name}`).join(',')}`;
  const extensions = ['-addext', names, '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'];
  const files = ['-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.crt')];
  await run`openssl req -x509 ${CURVE} ${signer} ${files} -subj ${'/CN=pgprov lab mirror'} ${extensions}`;
}

async function makeSigningKeys(folder: string, names: SigningKey[]): Promise<void> {
  if (names.length === 0) return;
  await withKeyring(async ({ gpg }) => {
    for (const name of names) {
      const address = keyAddress(name);
      await run`${gpg} --passphrase ${''} --quick-gen-key ${`pgprov lab ${name} <${address}>`} rsa3072 sign never`;
      const listing = await run`${gpg} --with-colons --list-keys ${address}`;
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing.stdout)?.[1] ?? '';
      await writeFile(join(folder, `${name}.fingerprint`), `${fingerprint}\n`);
      await writeFile(join(folder, `${name}.asc`), (await run`${gpg} --armor --export ${address}`).stdout);
      const secret = join(folder, `${name}.secret`);
      await writeFile(secret, (await run`${gpg} --armor --export-secret-keys ${address}`).stdout, { mode: 0o600 });
    }
  });
}
