import { PgprovError } from '../lib/errors.js';
import { withWorkFiles, type KeyPair } from './issue.js';
import { openssl } from './openssl.js';

/** A certificate that is accepted no more. */
export interface RevokedSerial {
  /** Hexadecimal, in upper case, as `X509Certificate.serialNumber` gives it. */
  serial: string;
  /** Since when, ISO 8601. */
  since: string;
}

/** As long as an authority lasts. etcd does not look at the end of a list. */
const LIST_DAYS = 3650;

/**
 * Makes the list of an authority's revoked certificates (RFC 5280, version 2), in DER: etcd reads PEM up to its version 3.5, later ones DER alone
 * (`checkCRL` of its transport package).
 * @param directory is private and takes the files that openssl reads
 * @param number greater than that of the list before
 * @throws PgprovError `store/revocation-list` where the list does not say exactly these serials
 */
export async function makeRevocationList(
  directory: string,
  authority: KeyPair,
  revoked: readonly RevokedSerial[],
  number: number,
): Promise<Buffer> {
  const texts = {
    index: revoked.map(indexLine).join(''),
    number: `${evenHex(number.toString(16))}\n`,
    ca: authority.certificate,
    caKey: authority.key,
  };
  const pem = await withWorkFiles(directory, texts, ({ index, number: numbers, ca: cert, caKey: keyfile }) =>
    withWorkFiles(directory, { config: listConfig(index, numbers) }, ({ config }) =>
      openssl('ca', { gencrl: true, config, keyfile, cert, crldays: String(LIST_DAYS) }),
    ),
  );
  const list = Buffer.from(/-----BEGIN X509 CRL-----(?<body>[^-]+)-----END/u.exec(pem.toString())?.groups?.['body'] ?? '', 'base64');
  const said = serialsIn(list);
  const wanted = revoked.map(({ serial }) => plain(serial));
  if (said?.length === wanted.length && wanted.every((serial) => said.includes(serial))) return list;
  throw new PgprovError({
    kind: 'store/revocation-list',
    message: `openssl made a list of revoked certificates in ${directory} that does not say what it is to say`,
    hint: 'nothing was changed; pgprov needs OpenSSL 1.1.1 or later on this machine',
  });
}

/** The serials that a list in DER revokes, as `plain` gives them; undefined where it is none. */
export function serialsIn(list: Buffer): string[] | undefined {
  try {
    const [outer] = elements(list);
    const [body] = elements(outer?.content ?? NOTHING);
    // version, signature, issuer, this update, next update, revoked certificates, extensions (RFC 5280, 5.1)
    const entries = elements(body?.content ?? NOTHING)
      .slice(3)
      .find(({ tag }) => tag === SEQUENCE);
    if (body === undefined) return undefined;
    return elements(entries?.content ?? NOTHING).map(({ content }) => plain(elements(content)[0]?.content.toString('hex') ?? ''));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A serial in the one spelling in which two are compared: upper case, without leading zeros. */
export function plain(serial: string): string {
  return serial.toUpperCase().replace(/^0+(?=.)/u, '');
}

const NOTHING = Buffer.alloc(0);
const SEQUENCE = 0x30;

/**
 * The elements that stand one after the other in DER (X.690).
 * @throws RangeError where the bytes end too early
 */
function elements(bytes: Buffer): { tag: number; content: Buffer }[] {
  const found: { tag: number; content: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const first = bytes.readUInt8(at + 1);
    const more = first < 0x80 ? 0 : first & 0x7f;
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const begin = at + 2 + more;
    if (begin + length > bytes.length) throw new RangeError('it ends too early');
    found.push({ tag, content: bytes.subarray(begin, begin + length) });
    at = begin + length;
  }
  return found;
}

/** A line of the database that `openssl ca` reads: state, end, revocation, serial, file, subject. */
function indexLine({ serial, since }: RevokedSerial): string {
  const at = since.replaceAll(/[-:T]|\.\d+/gu, '').slice(2);
  return ['R', '491231235959Z', at, evenHex(plain(serial)), 'unknown', '/CN=revoked'].join('\t').concat('\n');
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/** Everything spelled out, so that the machine's own openssl.cnf does not matter. */
function listConfig(database: string, number: string): string {
  return `[ca]
default_ca = list
[list]
database = ${escaped(database)}
crlnumber = ${escaped(number)}
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
`;
}

/** What stands for something else in a value of OpenSSL's configuration (config(5ssl)). */
function escaped(path: string): string {
  return path.replaceAll(/[\\$#"'`;]/gu, String.raw`\$&`);
}
