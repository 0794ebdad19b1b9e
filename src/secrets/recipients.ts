import { InputError } from '../lib/errors.js';

/** Where a store's recipients are listed, beside it, as age's `-R` takes them. */
export const RECIPIENTS_FILE = '.age-recipients';

/** A recipient of age's own: X25519, or its post-quantum hybrid. Plugins have longer names before the last `1`. */
const NATIVE = /^age1(?:pq1)?[02-9ac-hj-np-z]{58,}$/u;

/**
 * The recipients of a file as age's `-R` takes it: one a line, `#` before comments.
 * @throws InputError `secrets/recipient`, naming the line
 */
export async function parseRecipients(text: string, shown: string): Promise<string[]> {
  const found: string[] = [];
  for (const [index, line] of text.split(/\r?\n/u).entries()) {
    const recipient = line.trim();
    if (recipient !== '' && !recipient.startsWith('#')) found.push(await checkRecipient(recipient, `${shown}:${index + 1}`));
  }
  return [...new Set(found)];
}

/**
 * The recipient, when files can be encrypted for it.
 * @param place where it stands, for messages: `.age-recipients:3`, `--recipient`
 * @throws InputError `secrets/recipient`
 */
export async function checkRecipient(recipient: string, place: string): Promise<string> {
  const wrong = (message: string, hint: string): InputError =>
    new InputError({ kind: 'secrets/recipient', message: `${place}: ${message}`, hint });
  if (/^(?:ssh|ecdsa|sk)-/u.test(recipient)) {
    throw wrong('SSH keys cannot be recipients of a store', 'take a key of age: `age-keygen -o FILE` makes one');
  }
  if (recipient.startsWith('AGE-SECRET-KEY-')) {
    throw wrong(
      'this is a private key, which is nobody else’s to see',
      'put the public key there, which begins with age1; `age-keygen -y FILE` prints it',
    );
  }
  if (!NATIVE.test(recipient)) {
    const isPlugin = /^age1[a-z0-9]+1[02-9ac-hj-np-z]+$/u.test(recipient);
    throw wrong(
      isPlugin ? 'recipients of age plugins cannot be used' : 'not a public key of age',
      'a public key is a line that begins with age1; `age-keygen -y FILE` prints it',
    );
  }
  const { Encrypter } = await import('age-encryption');
  try {
    new Encrypter().addRecipient(recipient);
  } catch (cause) {
    throw new InputError({
      kind: 'secrets/recipient',
      message: `${place}: not a public key of age: it was changed or cut off`,
      hint: 'copy it again, whole',
      cause,
    });
  }
  return recipient;
}
