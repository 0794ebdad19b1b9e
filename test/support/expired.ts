import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate's PEM as it would be had it ended a year ago: same subject, names and key, signed by the authority given, or by itself. */
export function expired(pem: string, key: string, authority?: { certificate: string; key: string }): string {
  const work = mkdtempSync(join(tmpdir(), 'pgprov-expired-'));
  const at = (name: string): string => join(work, name);
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: work, stdio: 'pipe' });
  try {
    const { subject, subjectAltName = '', ca } = new X509Certificate(pem);
    const names = subjectAltName.replaceAll('IP Address', 'IP');
    const extensions = ca
      ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash'
      : `extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${names}`;
    writeFileSync(at('ca.cnf'), `${SETTINGS}\n[extensions]\n${extensions}\n`);
    writeFileSync(at('own.key'), key);
    writeFileSync(at('serial'), '1000\n');
    writeFileSync(at('index.txt'), '');
    openssl('req', '-new', '-config', 'ca.cnf', '-key', 'own.key', '-subj', `/${subject}`, '-out', 'request');
    if (authority !== undefined) {
      writeFileSync(at('ca.crt'), authority.certificate);
      writeFileSync(at('ca.key'), authority.key);
    }
    const signer = authority === undefined ? ['-selfsign', '-keyfile', 'own.key'] : ['-cert', 'ca.crt', '-keyfile', 'ca.key'];
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      ...signer,
      '-in',
      'request',
      '-out',
      'made',
      '-extensions',
      'extensions',
      '-startdate',
      '20200101000000Z',
      '-enddate',
      yearAgo(),
    );
    return readFileSync(at('made'), 'utf8');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function yearAgo(): string {
  const date = new Date(Date.now() - 365 * 86_400_000).toISOString();
  return `${date.slice(0, 10).replaceAll('-', '')}000000Z`;
}

const SETTINGS = `[ca]
default_ca = settings
[settings]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]`;
