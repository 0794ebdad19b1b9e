import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseAgeFile, seal } from '../../src/secrets/age-file.js';
import { AgeKeys } from '../../src/secrets/identities.js';
import { freshDirectory } from '../support/directory.js';
import { keyPair, lockLightly } from './support.js';

const directory = freshDirectory();
lockLightly();
const [me, you] = [await keyPair(), await keyPair()];
const PLUGIN = 'AGE-PLUGIN-YUBIKEY-1QYQSZQGPQYQSZQGPQYQSZQGP';
const locked = await seal('text', { recipients: [me.recipient] });

async function open(...args: ConstructorParameters<typeof AgeKeys>): Promise<string> {
  const { plaintext } = await new AgeKeys(...args).open(await parseAgeFile(Buffer.from(locked), 'store'));
  return Buffer.from(plaintext).toString('utf8');
}

describe('identities', () => {
  it.each([
    { name: 'as age-keygen writes it', text: `# created: today\r\n# public key: ${me.recipient}\r\n${me.identity}\r\n` },
    { name: 'among other lines', text: `${you.identity}\n\n  ${me.identity}  ` },
    { name: 'next to one of a plugin', text: `${PLUGIN}\n${me.identity}\n` },
  ])('are read from a file that holds one $name', async ({ text }) => {
    await writeFile(directory.at('keys'), text, { mode: 0o600 });
    expect(await open({ env: {}, files: [directory.at('keys')] })).toBe('text');
    expect(await open({ env: { PGPROV_AGE_KEY: text } })).toBe('text');
    expect(await open({ env: { PGPROV_AGE_KEY: you.identity, PGPROV_AGE_KEY_FILE: directory.at('keys') } })).toBe('text');
  });

  it('that are named exclude those of the usual places', async () => {
    const env = { PGPROV_AGE_KEY: you.identity, SOPS_AGE_KEY: me.identity };
    await expect(open({ env })).rejects.toMatchObject({
      kind: 'secrets/wrong-identity',
      message: 'store is not encrypted for the identity in PGPROV_AGE_KEY',
    });
    expect(await open({ env: { SOPS_AGE_KEY: me.identity } })).toBe('text');
  });

  it.each([
    { name: 'nothing', text: '# only this\n', message: 'holds no identity of age' },
    { name: 'only those of plugins', text: PLUGIN, message: 'holds only identities of age plugins, which cannot be used' },
    { name: 'a public key', text: me.recipient, message: 'holds something else than identities of age, on line 1' },
    {
      name: 'half of an identity',
      text: `#\n${me.identity.slice(0, 30)}-`,
      message: 'holds something else than identities of age, on line 2',
    },
    {
      name: 'an SSH key',
      text: '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----',
      message: 'is an SSH or PEM key, which cannot open a store',
    },
  ])('from a file with $name are refused without its text', async ({ text, message }) => {
    await writeFile(directory.at('keys'), text, { mode: 0o600 });
    await expect(open({ env: {}, files: [directory.at('keys')] })).rejects.toMatchObject({
      kind: 'secrets/identity',
      message: `${directory.at('keys')} ${message}`,
    });
  });

  it('that are locked are opened once, and only when no other opens the store', async () => {
    await writeFile(directory.at('keys'), await seal(`${me.identity}\n`, { passphrase: 'open sesame' }), { mode: 0o600 });
    const asked: string[] = [];
    const ask = async (question: string): Promise<string> => (asked.push(question), 'open sesame');
    expect(await open({ env: { PGPROV_AGE_KEY: me.identity, PGPROV_AGE_KEY_FILE: directory.at('keys') }, ask })).toBe('text');
    expect(asked).toEqual([]);
    const keys = new AgeKeys({ env: {}, files: [directory.at('keys')], ask });
    for (const _ of [1, 2]) await keys.open(await parseAgeFile(Buffer.from(locked), 'store'));
    expect(asked).toEqual([`Passphrase of ${directory.at('keys')}: `]);
    expect(await keys.publicKeys()).toEqual([me.recipient]);
  });
});
