import { describe, expect, it } from 'vitest';
import { parseRecipients } from '../../src/secrets/recipients.js';
import { keyPair } from './support.js';

const [me, you] = [await keyPair(), await keyPair()];

describe('a list of recipients', () => {
  it('is read as age reads it', async () => {
    expect(await parseRecipients(`# me\n${me.recipient}\r\n\n  # you\n ${you.recipient} \n${me.recipient}`, 'list')).toEqual([
      me.recipient,
      you.recipient,
    ]);
  });

  it.each([
    {
      name: 'an SSH key',
      line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK me@here',
      message: 'list:2: SSH keys cannot be recipients of a store',
    },
    {
      name: 'a recipient of a plugin',
      line: 'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t',
      message: 'list:2: recipients of age plugins cannot be used',
    },
    { name: 'a private key', line: me.identity, message: 'list:2: this is a private key, which is nobody else’s to see' },
    {
      name: 'a recipient with a typing error',
      line: me.recipient.replace(/.$/u, (last) => (last === 'q' ? 'p' : 'q')),
      message: 'list:2: not a public key of age: it was changed or cut off',
    },
    { name: 'half of a recipient', line: me.recipient.slice(0, 40), message: 'list:2: not a public key of age' },
    { name: 'a word', line: 'everybody', message: 'list:2: not a public key of age' },
  ])('with $name is refused', async ({ line, message }) => {
    const refused = parseRecipients(`# ours\n${line}\n`, 'list');
    await expect(refused).rejects.toMatchObject({ kind: 'secrets/recipient', message, exitCode: 2 });
  });
});
