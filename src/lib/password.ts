import { randomBytes } from 'node:crypto';

/** Bytes of a generated password, written as 32 characters that need no quoting anywhere. */
const PASSWORD_BYTES = 24;

/** A password nobody can guess, of letters, digits, dashes and underscores. */
export function makePassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}
