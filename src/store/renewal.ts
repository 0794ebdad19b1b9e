import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { endOf, type KeyPair, type NodeIdentity } from './issue.js';
import type { RotationStep } from './trust.js';

/** A node's certificate is made anew by the first `apply` or `certs renew` within this many days of its end. */
export const RENEW_WITHIN_DAYS = 30;

const DAY = 86_400_000;

/** Which certificates a run makes anew, and what becomes of the authority. */
export interface Renewal {
  /** Of these hosts; default: of all. */
  hosts?: readonly string[];
  /** Those with fewer days left; default 30. */
  withinDays?: number;
  /** Those as well that are good for longer. */
  all?: boolean;
  /** What a rotation of the authority does next; default: nothing. */
  rotation?: RotationStep;
}

/** Whole days until a certificate ends; 0 or less: it has ended. */
export function daysLeft(certificate: X509Certificate): number {
  return Math.floor((endOf(certificate) - Date.now()) / DAY);
}

/**
 * Why a node's pair must be made anew, as a clause; undefined: it need not.
 *
 * @param issuer certificate of the authority that issues now
 */
export function reasonToRenew(
  { certificate, key }: KeyPair,
  issuer: X509Certificate,
  identity: NodeIdentity,
  withinDays: number,
): string | undefined {
  const node = readCertificate(certificate);
  if (node === undefined) return 'it cannot be read';
  const missing = [identity.name, ...identity.names].find(
    (name) => (isIP(name) === 0 ? node.checkHost(name) : node.checkIP(name)) === undefined,
  );
  if (missing !== undefined) return `it does not name ${missing}`;
  if (!node.verify(issuer.publicKey)) return 'another authority signed it';
  if (!hasKey(node, key)) return 'it belongs to another key';
  const left = daysLeft(node);
  // One that lasts as long as its authority would not last longer if it were made anew.
  const helps = endOf(node) < endOf(issuer) - DAY;
  if (left < withinDays && helps) return left < 0 ? 'it has expired' : `it expires in ${left} days`;
  return undefined;
}

/** A certificate from its PEM, or undefined when it is none. */
export function readCertificate(pem: string | Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function hasKey(node: X509Certificate, key: string): boolean {
  try {
    return node.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
