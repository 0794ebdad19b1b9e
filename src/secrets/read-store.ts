import { readFile } from 'node:fs/promises';
import { InputError } from '../lib/errors.js';
import { didYouMean } from '../lib/nearest.js';
import { pgprov } from '../lib/pgprov-command.js';
import { systemReason } from '../lib/system-reason.js';
import { parseAgeFile, type Opener } from './age-file.js';
import type { AgeKeys } from './identities.js';
import { SecretMapping } from './mapping-text.js';

/** A store that was read. */
export interface OpenedStore {
  /** The file, a character a byte, to detect whether it has changed since. */
  cipher: string;
  opener: Opener;
  mapping: SecretMapping;
}

/**
 * Reads a store.
 * @param shown its path as the user knows it
 * @throws InputError saying why it cannot be had
 */
export async function readSecretStore(path: string, shown: string, keys: AgeKeys): Promise<OpenedStore> {
  const cipher = await readFile(path).catch((cause: unknown) => {
    throw noStore(shown, cause);
  });
  const { plaintext, opener } = await keys.open(await parseAgeFile(cipher, shown));
  const mapping = SecretMapping.parse(Buffer.from(plaintext).toString('utf8'), shown);
  return { cipher: cipher.toString('latin1'), opener, mapping };
}

/** The error for a store that is not there, or cannot be read. */
export function noStore(shown: string, cause: unknown): InputError {
  const { code } = cause as NodeJS.ErrnoException;
  const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
  return new InputError({
    kind: 'secrets/no-store',
    message: isMissing ? `there is no store ${shown}` : `the store ${shown} cannot be read: ${systemReason(cause)}`,
    hint: isMissing
      ? `make one with ${pgprov`secrets init -f ${shown}`}, or name an existing one with -f FILE`
      : 'change its owner or its mode',
    cause,
  });
}

/**
 * The error for a name that a store does not have.
 * @param store what a command names it by; default: as the user knows it
 */
export function noValue(shown: string, name: string, names: readonly string[], store = shown): InputError {
  const holds = names.length === 0 ? 'it is empty' : `it holds ${names.join(', ')}`;
  return new InputError({
    kind: 'secrets/no-key',
    message: `the store ${shown} has no value named "${name}"`,
    hint: didYouMean(name, names) ?? `${holds}; ${pgprov`secrets set ${name} -f ${store}`} adds one`,
  });
}
