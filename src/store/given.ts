import { createPrivateKey, type X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { endOf } from './issue.js';
import { readCertificate } from './renewal.js';

/** PEM of a certificate that somebody else than the cluster's authority signed, as the inventory gives it. */
export interface GivenTexts {
  /** The certificate, with those between it and its authority behind it. */
  certificate: string;
  key: string;
  /** The authorities that clients check it with. */
  ca: string;
}

/** What is wrong with one of the texts, in words that follow its variable's path. */
export interface GivenProblem {
  part: keyof GivenTexts;
  message: string;
  hint?: string;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/gu;

/** Purposes of a certificate that names any (RFC 5280, 4.2.1.12): for servers, and for whatever it be. */
const FOR_SERVERS = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/** The certificates of a text in their order, without what else stands in it; those that cannot be read are left out. */
export function certificatesIn(text: string): X509Certificate[] {
  return (text.match(BLOCK) ?? []).flatMap((block) => readCertificate(block) ?? []);
}

/** The certificates of a text alone, as files have them: no comments, and whatever else stands there does not leave this machine. */
export function pemOf(text: string): string {
  return (text.match(BLOCK) ?? []).map((block) => `${block.replaceAll('\r', '')}\n`).join('');
}

/** Names and addresses of these that a certificate is not for. */
export function namesMissing(certificate: X509Certificate, names: readonly string[]): string[] {
  return names.filter((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) === undefined);
}

/**
 * What keeps clients from accepting a given certificate, whenever they look: each with what to do. When it ends is not judged, see `endOfGiven`.
 */
export function givenProblems(texts: GivenTexts): GivenProblem[] {
  const foreign = (['certificate', 'ca'] as const).filter((part) => /-----BEGIN [A-Z ]*PRIVATE KEY-----/u.test(texts[part]));
  if (foreign.length > 0) {
    return foreign.map((part) => ({
      part,
      message: 'holds a private key beside the certificate',
      hint: 'take the key out of it: what is given here is readable by everyone on the host',
    }));
  }
  const unread = (['certificate', 'ca'] as const).filter((part) => certificatesIn(texts[part]).length === 0);
  if (unread.length > 0) {
    return unread.map((part) => ({
      part,
      message: 'holds no certificate in PEM that can be read',
      hint: 'a certificate in DER becomes one with `openssl x509 -inform der -in FILE`',
    }));
  }
  return [...keyProblems(texts), ...chainProblems(texts), ...purposeProblems(texts)];
}

/** The first end in a certificate's chain, in milliseconds since 1970, and whose it is; undefined where the texts cannot be read. */
export function endOfGiven(texts: Pick<GivenTexts, 'certificate' | 'ca'>): { subject: string; end: number; isOwn: boolean } | undefined {
  const chain = chainOf(texts).links;
  const [first] = chain.map((certificate, index) => ({ certificate, index })).sort((a, b) => endOf(a.certificate) - endOf(b.certificate));
  return first && { subject: subjectOf(first.certificate), end: endOf(first.certificate), isOwn: first.index === 0 };
}

function keyProblems({ certificate, key }: GivenTexts): GivenProblem[] {
  const [own] = certificatesIn(certificate);
  const read = readKey(key);
  if (typeof read === 'string') return [{ part: 'key', message: read, hint: KEY_HINT }];
  if (own?.checkPrivateKey(read) === true) return [];
  const isBehind = certificatesIn(certificate).some((each) => each.checkPrivateKey(read));
  return [
    {
      part: 'key',
      message: `does not belong to the certificate of ${own === undefined ? 'the server' : subjectOf(own)}`,
      hint: isBehind
        ? 'it belongs to a later certificate of the same text: put that first, and those of its authorities behind it'
        : 'give the key that the certificate was asked for with',
    },
  ];
}

const KEY_HINT = '`openssl pkey -in FILE` prints a key in the form that is wanted, and asks for its passphrase';

function readKey(key: string): KeyObject | string {
  try {
    return createPrivateKey(key);
  } catch {
    // A server that starts by itself could ask nobody. RFC 7468 has the label, older files of OpenSSL a header.
    if (/ENCRYPTED/u.test(key)) return 'is locked with a passphrase';
    return 'holds no private key in PEM that can be read';
  }
}

interface Chain {
  /** From the certificate itself upwards. */
  links: readonly X509Certificate[];
  /** Its last one is signed by itself, and one of the authorities. */
  isWhole: boolean;
}

/** OpenSSL, and with it libpq, takes a chain only where it ends in an authority that it trusts and that signed itself. */
function chainOf({ certificate, ca }: Pick<GivenTexts, 'certificate' | 'ca'>): Chain {
  const trusted = certificatesIn(ca);
  const [own, ...between] = certificatesIn(certificate);
  if (own === undefined) return { links: [], isWhole: false };
  const links = [own];
  const known = [...trusted, ...between];
  for (let last = own; links.length <= known.length + 1; ) {
    if (signs(last, last)) return { links, isWhole: trusted.some(({ fingerprint256 }) => fingerprint256 === last.fingerprint256) };
    const next = known.find((candidate) => candidate.ca && signs(candidate, last));
    if (next === undefined) return { links, isWhole: false };
    links.push(next);
    last = next;
  }
  return { links, isWhole: false };
}

function signs(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function chainProblems(texts: GivenTexts): GivenProblem[] {
  const { links, isWhole } = chainOf(texts);
  const last = links.at(-1);
  if (isWhole || last === undefined) return [];
  const message = signs(last, last)
    ? `is of an authority that tls_ca does not have: ${subjectOf(last)}`
    : `is not signed up to an authority of tls_ca: who signed ${subjectOf(last)} is missing, ${oneLine(last.issuer)}`;
  return [
    {
      part: 'certificate',
      message,
      hint: 'tls_ca takes the authority that signed itself; the certificates between the two go behind the server’s own, or into tls_ca',
    },
  ];
}

function purposeProblems({ certificate }: GivenTexts): GivenProblem[] {
  const [own] = certificatesIn(certificate);
  // Its types promise a list, and a certificate that names no purpose has none.
  const purposes = own?.keyUsage as readonly string[] | undefined;
  if (purposes === undefined || purposes.some((purpose) => FOR_SERVERS.includes(purpose))) return [];
  return [
    {
      part: 'certificate',
      message: 'is not for servers, so that clients refuse it: its extended key usage lacks serverAuth',
      hint: 'have one signed with it',
    },
  ];
}

/** Whose a certificate is, in one line. */
export function subjectOf({ subject }: X509Certificate): string {
  return /^CN=(?<name>.*)$/mu.exec(subject)?.groups?.['name'] ?? oneLine(subject);
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
