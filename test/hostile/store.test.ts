import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { runSecretCommand } from '../../src/secrets/command.js';
import { SecretMapping } from '../../src/secrets/mapping-text.js';
import { SecretStore } from '../../src/store/secret-store.js';
import { DEPTH } from '../support/depth.js';
import { keyPair, keysOf, makeStore } from '../secrets/support.js';
import { hostileValues, shown } from './support/values.js';
import { patience } from '../support/patience.js';

const directory = mkdtempSync(join(tmpdir(), 'pgprov-hostile-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const VALUES = hostileValues(200);
/** What no store holds: nothing, NUL, and halves of characters. */
const isRefused = (value: string): boolean => value === '' || value.includes('\0') || /\p{Surrogate}/u.test(value);

describe(`hostile secrets (${DEPTH})`, () => {
  it('are kept byte for byte, or refused', async () => {
    const me = await keyPair();
    const file = await makeStore(join(directory, 'values'), {}, me);
    const store = await SecretStore.open(file, keysOf(me));
    for (const [index, value] of VALUES.entries()) {
      const set = (): void => store.set(`value ${index}`, new Secret(value));
      if (isRefused(value)) expect(set, shown(value)).toThrow(/the value of value \d+ (?:is empty|holds)/u);
      else set();
    }
    await store.save();
    await store.close();
    const again = await SecretStore.open(file, keysOf(me));
    await again.close();
    for (const [index, value] of VALUES.entries()) {
      expect(again.get(`value ${index}`)?.reveal(), shown(value)).toBe(isRefused(value) ? undefined : value);
    }
  });

  it('may have hostile names, each kept apart from the others', () => {
    const mapping = SecretMapping.parse('', 'store');
    const taken = VALUES.filter((name) => {
      try {
        mapping.set(name, `of ${name}`);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ kind: 'secrets/name' });
        return false;
      }
    });
    expect(taken).toContain('__proto__');
    const again = SecretMapping.parse(mapping.text(), 'store');
    expect(again.names()).toEqual(taken);
    for (const name of taken) expect(again.get(name), shown(name)).toBe(`of ${name}`);
  });

  it('come from a program exactly as it prints them', { timeout: patience(120_000) }, async () => {
    const file = join(directory, 'printed');
    for (const value of VALUES.filter(
      (candidate) => !isRefused(candidate) && candidate !== '\r' && Buffer.byteLength(candidate) < 60_000,
    )) {
      writeFileSync(file, `${value}\n`);
      const printed = await runSecretCommand({ shown: 'cat', program: '/bin/cat', args: [file], directory }, { env: {} });
      expect(printed, shown(value)).toBe(value.replace(/\r$/u, ''));
    }
  });

  // Names are told, and so values that would become names are left out.
  it('appear in no message about a store that they break', () => {
    for (const value of VALUES.filter((candidate) => /^[^\n:]{9,999}$/u.test(candidate) && /[a-z]{3}/u.test(candidate))) {
      for (const text of [`a: ${value}`, `a: "${value}`, `a: [${value}]`, `- ${value}`]) {
        try {
          SecretMapping.parse(text, 'store');
        } catch (error) {
          expect((error as Error).message.includes(value), shown(value)).toBe(false);
        }
      }
    }
  });

  it('reach the age program and come back from it', { timeout: patience(60_000) }, async ({ skip }) => {
    try {
      execFileSync('age', ['--version'], { stdio: 'ignore' });
    } catch {
      skip('there is no age here');
    }
    const me = await keyPair();
    const good = VALUES.filter((value) => !isRefused(value));
    const file = await makeStore(join(directory, 'ours'), Object.fromEntries(good.map((value, index) => [`v${index}`, value])), me);
    const identity = join(directory, 'keys.txt');
    writeFileSync(identity, `${me.identity}\n`, { mode: 0o600 });
    const theirs = execFileSync('age', ['-d', '-i', identity, file], { maxBuffer: 1 << 26 });
    const mapping = SecretMapping.parse(theirs.toString('utf8'), 'store');
    for (const [index, value] of good.entries()) expect(mapping.get(`v${index}`), shown(value)).toBe(value);

    for (const armor of [['-a'], []]) {
      const made = join(directory, `theirs${armor.join('')}.age`);
      execFileSync('age', [...armor, '-r', me.recipient, '-o', made], { input: theirs });
      const store = await SecretStore.open(made, keysOf(me));
      await store.close();
      expect(store.get('v0')?.reveal()).toBe(good[0]);
      expect(store.text()).toBe(theirs.toString('utf8'));
    }
  });
});
