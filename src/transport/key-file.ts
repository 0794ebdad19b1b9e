import { readFile } from 'node:fs/promises';

import ssh2, { type ParsedKey } from 'ssh2';

/** What a file that should hold a private key really holds. */
export type KeyFile =
  | { is: 'key'; key: ParsedKey }
  /** `half`: its public half in SSH wire format, where that can be told without the passphrase. */
  | { is: 'encrypted'; text: string; half: Buffer | undefined }
  /** An agent may hold the private half. */
  | { is: 'public'; half: Buffer }
  | { is: 'missing' }
  | { is: 'bad'; why: string };

/** Reads a key file, and tells one that is encrypted from one that is broken. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { is: 'missing' } : { is: 'bad', why: message };
  }
  const key: ParsedKey | Error = ssh2.utils.parseKey(text);
  if (!(key instanceof Error)) return key.isPrivateKey() ? { is: 'key', key } : { is: 'public', half: key.getPublicSSH() };
  if (!/passphrase/iu.test(key.message)) return { is: 'bad', why: key.message };
  return { is: 'encrypted', text, half: headerHalf(text) ?? (await halfBeside(path)) };
}

/** OpenSSH's own format has the public half in the clear, see PROTOCOL.key of its source. */
function headerHalf(text: string): Buffer | undefined {
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/u.exec(text) ?? [];
  const magic = 'openssh-key-v1\0';
  const data = Buffer.from(base64 ?? '', 'base64');
  if (data.subarray(0, magic.length).toString('latin1') !== magic) return undefined;
  let at = magic.length;
  const field = (): Buffer => {
    const length = data.readUInt32BE(at);
    const value = data.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  try {
    // The cipher, the key derivation and its options.
    for (let skipped = 0; skipped < 3; skipped += 1) field();
    const count = data.readUInt32BE(at);
    at += 4;
    return count === 1 ? Buffer.from(field()) : undefined;
  } catch {
    return undefined;
  }
}

/** PEM files keep it in a file beside them, if anywhere. */
async function halfBeside(path: string): Promise<Buffer | undefined> {
  try {
    const key: ParsedKey | Error = ssh2.utils.parseKey(await readFile(`${path}.pub`, 'utf8'));
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

/** Opened keys, because a passphrase costs a tenth of a second of CPU, and a hundred hosts share one key. */
const opened = new WeakMap<object, Map<string, ParsedKey | undefined>>();

/** Opens an encrypted key; undefined when the passphrase is not the one. `owner` is what the cache lives as long as. */
export function openKey(owner: object, text: string, passphrase: string): ParsedKey | undefined {
  const cache = opened.get(owner) ?? new Map<string, ParsedKey | undefined>();
  opened.set(owner, cache);
  const name = `${passphrase}\0${text}`;
  if (!cache.has(name)) {
    const key: ParsedKey | Error = ssh2.utils.parseKey(text, passphrase);
    cache.set(name, key instanceof Error ? undefined : key);
  }
  return cache.get(name);
}
