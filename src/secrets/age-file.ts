import { InputError } from '../lib/errors.js';

/** A file that is encrypted with age (https://age-encryption.org/v1). */
export interface AgeFile {
  /** Without armour. */
  bytes: Uint8Array;
  /** Whether a passphrase opens it, and not an identity. */
  byPassphrase: boolean;
  /** Its path as the user knows it, for messages. */
  shown: string;
}

/** What a file is opened with. */
export type Opener = { identities: readonly string[] } | { passphrase: string };

/** Whom a file is encrypted for. */
export type Sealing = { recipients: readonly string[] } | { passphrase: string };

const BINARY_HEAD = 'age-encryption.org/v1\n';
const ARMOR_HEAD = '-----BEGIN AGE ENCRYPTED FILE-----';

/** The library is loaded when a file is opened, because most commands open none. */
const library = (): Promise<typeof import('age-encryption')> => import('age-encryption');

/** Whether bytes begin like a file of age, with or without armour. */
export function looksLikeAge(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 200).toString('latin1');
  return head.startsWith(BINARY_HEAD) || head.trimStart().startsWith(ARMOR_HEAD);
}

/**
 * @throws InputError `secrets/not-age` for anything else, `secrets/damaged` for broken armour
 */
export async function parseAgeFile(bytes: Buffer, shown: string): Promise<AgeFile> {
  if (!looksLikeAge(bytes)) {
    throw new InputError({ kind: 'secrets/not-age', message: `${shown} is not encrypted with age`, hint: notAgeHint(bytes) });
  }
  const binary = bytes.toString('latin1', 0, BINARY_HEAD.length) === BINARY_HEAD ? bytes : await withoutArmor(bytes, shown);
  const recipients = Buffer.from(binary).toString('latin1', BINARY_HEAD.length, BINARY_HEAD.length + 20);
  return { bytes: binary, byPassphrase: recipients.startsWith('-> scrypt '), shown };
}

function notAgeHint(bytes: Buffer): string {
  const isConflict = /^<<<<<<< /mu.test(bytes.toString('latin1'));
  return isConflict
    ? 'it holds a merge conflict: take one of the two versions whole, and set again what the other had changed'
    : 'name a store that the command `secrets init` or `age` made';
}

async function withoutArmor(bytes: Buffer, shown: string): Promise<Uint8Array> {
  const { armor } = await library();
  try {
    return armor.decode(bytes.toString('utf8'));
  } catch (cause) {
    throw damaged(shown, cause);
  }
}

/**
 * The plaintext; undefined when the identities or the passphrase are not those of the file.
 * @throws InputError `secrets/damaged` when they are and the file was changed
 */
export async function unseal({ bytes, shown }: AgeFile, opener: Opener): Promise<Uint8Array | undefined> {
  const { Decrypter } = await library();
  const decrypter = new Decrypter();
  if ('passphrase' in opener) decrypter.addPassphrase(opener.passphrase);
  else for (const identity of opener.identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(bytes);
  } catch (cause) {
    if (cause instanceof Error && cause.message.startsWith('no identity matched')) return undefined;
    throw damaged(shown, cause);
  }
}

/** The text encrypted, in ASCII armour. */
export async function seal(text: string, sealing: Sealing): Promise<string> {
  const { armor, Encrypter } = await library();
  const encrypter = new Encrypter();
  if ('passphrase' in sealing) encrypter.setPassphrase(sealing.passphrase);
  else for (const recipient of sealing.recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(text));
}

function damaged(shown: string, cause: unknown): InputError {
  return new InputError({
    kind: 'secrets/damaged',
    message: `${shown} is damaged, or was changed by somebody who has no key of it`,
    hint: 'bring it back from version control or a backup',
    cause,
  });
}
