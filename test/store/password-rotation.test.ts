import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { Store } from '../../src/store/store.js';
import { freshDirectory } from '../support/directory.js';
import { DEMO } from '../support/demo.js';

const PATH = 'replication.password';

describe('a password that is being changed', () => {
  const work = freshDirectory();
  const open = (writable = true): Promise<Store> => Store.open(work.at('demo'), DEMO, { writable });
  const file = (): string => work.at('demo', 'password-rotation.yml');

  async function begun(given?: Secret): Promise<{ from: string; store: Store }> {
    const store = await open();
    const from = store.password(PATH, given).reveal();
    await store.savePasswords();
    await store.beginRotation({ path: PATH, from, to: 'the new one' });
    return { from, store };
  }

  it('is the new one from then on, also for a later reader of the store', async () => {
    const { from } = await begun();
    for (const store of [await open(), await open(false)]) {
      expect(store.password(PATH, undefined).reveal()).toBe('the new one');
      expect(store.former(PATH)?.reveal()).toBe(from);
      expect([store.former('other.password'), store.rotation]).toEqual([undefined, { path: PATH, from, to: 'the new one' }]);
    }
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('replaces the old one at the end', async () => {
    const { from, store } = await begun();
    await store.endRotation();
    for (const after of [store, await open()]) {
      expect([after.password(PATH, undefined).reveal(), after.former(PATH), after.rotation]).toEqual(['the new one', undefined, undefined]);
    }
    for (const name of readdirSync(work.at('demo'))) {
      if (name.endsWith('.yml')) expect(readFileSync(work.at('demo', name), 'utf8')).not.toContain(from);
    }
  });

  it('remains the old one when the change is taken back', async () => {
    const { from, store } = await begun();
    await store.dropRotation();
    expect((await open()).password(PATH, undefined).reveal()).toBe(from);
  });

  it.each([
    { title: 'the old one', given: 'given', used: 'the new one' },
    { title: 'the new one', given: 'the new one', used: 'the new one' },
    { title: 'a third', given: 'another', used: 'another' },
  ])('is $used with an inventory that gives $title', async ({ given, used }) => {
    await begun(new Secret('given'));
    const store = await open();
    expect(store.password(PATH, new Secret(given)).reveal()).toBe(used);
    await store.endRotation();
    expect(readdirSync(work.at('demo'))).not.toContain('passwords.yml');
  });

  it.each(['', 'path: x\n', '[1]', 'path: {a: 1}\nfrom: a\nto: b\n', 'path: "\n'])('cannot be read from %j', async (text) => {
    await begun();
    writeFileSync(file(), text);
    await expect(open()).rejects.toMatchObject({ kind: 'store/unreadable' });
  });
});
