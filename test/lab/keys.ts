import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inLab } from './paths.js';
import { feed, run, say } from './process.js';
import { MIRROR_NAMES } from './sites.js';

/** The OpenPGP keys of the lab: of the imitated archives, and one that nobody trusts. */
export type SigningKey = 'pgdg' | 'debian' | 'stranger';

const SIGNING_KEYS: SigningKey[] = ['pgdg', 'debian', 'stranger'];

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

/** Makes the lab's keys unless they are there. */
export async function ensureKeys(): Promise<void> {
  if (existsSync(inLab('keys'))) return;
  say('making keys for SSH, TLS and package signatures');
  // Renamed into place when complete, so that an interrupted run leaves nothing half done.
  const folder = inLab('keys.new');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await run`ssh-keygen -q -t ed25519 -N ${''} -C pgprov-lab -f ${join(folder, 'id_ed25519')}`;
  await makeCertificates(folder);
  await makeSigningKeys(folder);
  await rename(folder, inLab('keys'));
}

async function makeCertificates(folder: string): Promise<void> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '3650'];
  const [caKey, ca] = [join(folder, 'ca.key'), join(folder, 'ca.crt')];
  await run`openssl req -x509 ${curve} -keyout ${caKey} -out ${ca} -subj ${'/CN=pgprov lab authority'}`;
  const names = `subjectAltName=${MIRROR_NAMES.map((name) => `DNS:${name}`).join(',')}`;
  const extensions = ['-addext', names, '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'];
  await run`openssl req -x509 ${curve} -CA ${ca} -CAkey ${caKey} -keyout ${join(folder, 'server.key')} -out ${join(folder, 'server.crt')} -subj ${'/CN=pgprov lab mirror'} ${extensions}`;
}

async function makeSigningKeys(folder: string): Promise<void> {
  await withKeyring(async (gpg) => {
    for (const name of SIGNING_KEYS) {
      const address = `${name}@pgprov.invalid`;
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

/** Signs a text the way apt wants it: `InRelease` holds both, `Release.gpg` the signature alone. */
export async function sign(name: SigningKey, text: string): Promise<{ inRelease: string; detached: string }> {
  return withKeyring(async (gpg) => {
    await run`${gpg} --import ${inLab('keys', `${name}.secret`)}`;
    const inRelease = await feed(text, [...gpg, '--armor', '--clearsign', '--output', '-']);
    const detached = await feed(text, [...gpg, '--armor', '--detach-sign', '--output', '-']);
    for (const { code, stderr } of [inRelease, detached]) if (code !== 0) throw new Error(`gpg did not sign: ${stderr}`);
    return { inRelease: inRelease.stdout, detached: detached.stdout };
  });
}

/** gpg's agent wants a socket in its folder, and the path of a checkout can be too long for one. */
async function withKeyring<T>(work: (gpg: string[]) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'lab-gpg-'));
  await chmod(home, 0o700);
  try {
    return await work(['gpg', '--homedir', home, '--batch', '--quiet', '--yes', '--pinentry-mode', 'loopback']);
  } finally {
    await run`gpgconf --homedir ${home} --kill all`.nothrow();
    await rm(home, { recursive: true, force: true });
  }
}
