import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyFingerprints } from '../../src/lib/openpgp.js';
import { isThere } from '../support/shells.js';
import { patience } from '../support/patience.js';

const there = isThere('gpg');

describe.skipIf(!there)(there ? 'keyFingerprints' : 'keyFingerprints (skipped: no gpg on this machine)', () => {
  // A short path, for gpg-agent's socket may have no more than 108 characters.
  const home = there ? mkdtempSync(join(tmpdir(), 'gpg-')) : '';
  const keys: { fingerprint: string; armored: Buffer; binary: Buffer }[] = [];
  const gpg = (...words: string[]): Buffer =>
    execFileSync('gpg', ['--batch', '--homedir', home, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });

  beforeAll(() => {
    for (const [name, algorithm] of [
      ['ed', 'ed25519'],
      ['rsa', 'rsa2048'],
    ] as const) {
      gpg('--passphrase', '', '--quick-generate-key', `${name}@example.com`, algorithm, 'default', 'never');
    }
    for (const line of gpg('--list-keys', '--with-colons').toString().split('\n')) {
      if (line.startsWith('fpr:') && keys.length < 2) {
        const fingerprint = line.split(':')[9] ?? '';
        const known = gpg('--list-keys', '--with-colons', fingerprint).toString().split('\n');
        const primary = known[known.findIndex((entry) => entry.startsWith('pub:')) + 1]?.split(':')[9];
        if (primary !== fingerprint) continue;
        keys.push({ fingerprint, armored: gpg('--armor', '--export', fingerprint), binary: gpg('--export', fingerprint) });
      }
    }
  }, patience(60_000));
  afterAll(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
    rmSync(home, { recursive: true, force: true });
  });

  it('are what gpg reports, armored or not', () => {
    expect(keys).toHaveLength(2);
    for (const { fingerprint, armored, binary } of keys) {
      expect(keyFingerprints(armored)).toEqual([fingerprint]);
      expect(keyFingerprints(binary)).toEqual([fingerprint]);
    }
  });

  it('include all primary keys, and no subkey', () => {
    const both = keys.map(({ fingerprint }) => fingerprint);
    expect(keyFingerprints(Buffer.concat(keys.map(({ binary }) => binary)))).toEqual(both);
    expect(keyFingerprints(Buffer.concat(keys.map(({ armored }) => armored)))).toEqual(both);
    expect(keyFingerprints(gpg('--armor', '--export')).sort()).toEqual(both.sort());
    const [ed] = keys;
    gpg('--passphrase', '', '--quick-add-key', ed?.fingerprint ?? '', 'rsa2048', 'sign', 'never');
    expect(keyFingerprints(gpg('--export', ed?.fingerprint ?? ''))).toEqual([ed?.fingerprint]);
  });

  it.each([
    { how: 'with Windows line ends', edit: (text: string) => text.replaceAll('\n', '\r\n') },
    { how: 'with a comment in its armor', edit: (text: string) => text.replace('BLOCK-----\n', 'BLOCK-----\nComment: x\n') },
    { how: 'with text around it', edit: (text: string) => `A key:\n\n${text}\nThat was it.\n` },
    { how: 'without its checksum', edit: (text: string) => text.replace(/\n=.{4}\n/u, '\n') },
  ])('are read from a key $how', ({ edit }) => {
    for (const { fingerprint, armored } of keys) expect(keyFingerprints(Buffer.from(edit(armored.toString())))).toEqual([fingerprint]);
  });

  it('are none for a truncated key', () => {
    for (const { binary, armored } of keys) {
      for (let length = 0; length < binary.length; length += 7) {
        const held = keyFingerprints(binary.subarray(0, length));
        expect(held.length).toBeLessThanOrEqual(1);
      }
      expect(keyFingerprints(binary.subarray(0, 20))).toEqual([]);
      expect(keyFingerprints(armored.subarray(0, 100))).toEqual([]);
    }
  });

  it.each(['', '\n', '<html>404</html>', '\u0080', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----'])(
    'are none for %j',
    (text) => expect(keyFingerprints(Buffer.from(text, 'latin1'))).toEqual([]),
  );

  it('are none when something unreadable follows a key', () => {
    expect(keyFingerprints(Buffer.concat([keys[0]?.binary ?? Buffer.of(), Buffer.from('garbage')]))).toEqual([]);
  });

  it('include a primary key of another version, which must not be imported along with the pinned one', () => {
    const stranger = Buffer.from([0xc6, 5, 6, 0, 0, 0, 0]);
    expect(keyFingerprints(Buffer.concat([keys[0]?.binary ?? Buffer.of(), stranger]))).not.toEqual([keys[0]?.fingerprint]);
  });
});
