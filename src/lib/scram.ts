import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const VERIFIER = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/u;

/** What was compared before, because a cluster's members all have the same verifier, and a comparison takes milliseconds. */
const compared = new Map<string, boolean>();

/**
 * For passwords of printable ASCII characters, which SASLprep leaves as they are; inventories take no others.
 * Whether a `rolpassword` of pg_authid is the SCRAM-SHA-256 verifier of this password
 * (RFC 5803; format as in PostgreSQL's documentation of pg_authid).
 */
export function verifierMatches(verifier: string, password: string): boolean {
  const parts = VERIFIER.exec(verifier);
  if (parts === null) return false;
  const [, iterations = '', salt = '', storedKey] = parts;
  const pair = `${verifier} ${password}`;
  const known = compared.get(pair);
  if (known !== undefined) return known;
  const matches = keys(password, Buffer.from(salt, 'base64'), Number(iterations)).storedKey === storedKey;
  compared.set(pair, matches);
  return matches;
}

/** A verifier for a password, so that the password itself reaches neither the server's log nor its statistics. */
export function makeVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4096): string {
  const { storedKey, serverKey } = keys(password, salt, iterations);
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

function keys(password: string, salt: Buffer, iterations: number): { storedKey: string; serverKey: string } {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  return {
    storedKey: createHash('sha256').update(hmac('Client Key')).digest('base64'),
    serverKey: hmac('Server Key').toString('base64'),
  };
}
