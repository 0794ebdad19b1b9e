import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '../../src/store/issue.js';

/** What a certificate says of itself. */
export interface Asked {
  commonName: string;
  /** DNS names and addresses. */
  names?: readonly string[];
  /** It may sign others. */
  ca?: true;
  days?: number;
  /** Extended key usage; default: none is named. */
  purpose?: string;
}

/** Signs as an authority of a company does, which pgprov knows nothing of; without an authority by the new key itself. */
export function signed({ commonName, names = [], ca, days = 365, purpose }: Asked, authority?: KeyPair): KeyPair {
  const work = mkdtempSync(join(tmpdir(), 'pgprov-company-'));
  const at = (name: string): string => join(work, name);
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: work, stdio: 'pipe' });
  try {
    const list = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
    const extensions = [
      `basicConstraints=critical,CA:${ca === true ? 'TRUE' : 'FALSE'}`,
      ...(list === '' ? [] : [`subjectAltName=${list}`]),
      ...(purpose === undefined ? [] : [`extendedKeyUsage=${purpose}`]),
    ];
    writeFileSync(at('config'), `[req]\ndistinguished_name = name\n[name]\n[extensions]\n${extensions.join('\n')}\n`);
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'key');
    openssl('req', '-new', '-config', 'config', '-key', 'key', '-subj', `/CN=${commonName}`, '-out', 'request');
    if (authority !== undefined) {
      writeFileSync(at('ca.crt'), authority.certificate);
      writeFileSync(at('ca.key'), authority.key);
    }
    const signer = authority === undefined ? ['-signkey', 'key'] : ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    const more = ['-days', String(days), '-extfile', 'config', '-extensions', 'extensions', '-out', 'made'];
    openssl('x509', '-req', '-in', 'request', ...signer, ...more);
    return { certificate: readFileSync(at('made'), 'utf8'), key: readFileSync(at('key'), 'utf8') };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** An authority of a company, one that it has for servers, and a server's pair that the second one signed, with it behind. */
export function companyPair(
  names: readonly string[],
  more: Partial<Asked> = {},
): KeyPair & { ca: string; between: string; betweenKey: string; root: KeyPair } {
  const root = signed({ commonName: 'Company Root', ca: true, days: 3650 });
  const between = signed({ commonName: 'Company Servers', ca: true, days: 3650 }, root);
  const own = signed({ commonName: names[0] ?? 'db', names, ...more }, between);
  const certificate = `${own.certificate}${between.certificate}`;
  return { certificate, key: own.key, ca: root.certificate, between: between.certificate, betweenKey: between.key, root };
}
