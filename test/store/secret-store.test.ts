import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { SecretStore } from '../../src/store/secret-store.js';
import { keyPair, keysOf, lockLightly, makeStore } from '../secrets/support.js';
import { sharedDirectory } from '../support/directory.js';

const root = sharedDirectory();
lockLightly();

describe('a store of secrets', () => {
  it('keeps values, order and comments, in armor that only its owner reads', async () => {
    const me = await keyPair();
    const file = await makeStore(root.at('kept'), { superuser: 'a', 'of app': 'b' }, me);
    const store = await SecretStore.open(file, keysOf(me));
    store.replace('# of all clusters\nsuperuser: a\n"of app": b # rotated in May\nport: 0123\n');
    store.set('superuser', new Secret('c'));
    store.set('new', new Secret('yes'));
    await store.save();
    await store.close();

    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/u);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(root.at('kept'))).sort()).toEqual(['.age-recipients', 'secrets.age']);
    const again = await SecretStore.open(file, keysOf(me));
    expect(again.text()).toBe('# of all clusters\nsuperuser: "c"\n"of app": b # rotated in May\nport: 0123\nnew: "yes"\n');
    expect(again.names()).toEqual(['superuser', 'of app', 'port', 'new']);
    expect([again.get('port')?.reveal(), again.get('new')?.reveal(), again.get('superuser')?.reveal(), again.get('nothing')]).toEqual([
      '0123',
      'yes',
      'c',
      undefined,
    ]);
    await again.close();
  });

  it('can be changed by one process at a time', async () => {
    const me = await keyPair();
    const file = await makeStore(root.at('locked'), { a: '1' }, me);
    const store = await SecretStore.open(file, keysOf(me));
    await expect(SecretStore.open(file, keysOf(me))).rejects.toMatchObject({ kind: 'secrets/locked', exitCode: 5 });
    await store.close();
    await (await SecretStore.open(file, keysOf(me))).close();
  });

  it('is not written over a change that something else has made since', async () => {
    const me = await keyPair();
    const [file, other] = [await makeStore(root.at('mine'), { a: '1' }, me), await makeStore(root.at('theirs'), { b: '2' }, me)];
    const store = await SecretStore.open(file, keysOf(me));
    await writeFile(file, await readFile(other));
    store.set('a', new Secret('3'));
    await expect(store.save()).rejects.toMatchObject({ kind: 'secrets/changed' });
    await store.close();
    expect(await readFile(file, 'utf8')).toBe(await readFile(other, 'utf8'));
  });

  it('is encrypted for the current recipients, but never without its writer', async () => {
    const [me, you] = [await keyPair(), await keyPair()];
    const file = await makeStore(root.at('team'), { a: '1' }, me);
    const recipients = join(root.at('team'), '.age-recipients');
    const save = async (): Promise<void> => {
      const store = await SecretStore.open(file, keysOf(me));
      await store.save().finally(() => store.close());
    };
    await expect(SecretStore.open(file, keysOf(you))).rejects.toMatchObject({ kind: 'secrets/wrong-identity' });
    await writeFile(recipients, `# the team\n${me.recipient}\n\n${you.recipient}\n`);
    await save();
    await (await SecretStore.open(file, keysOf(you))).close();

    const before = await readFile(file, 'utf8');
    await writeFile(recipients, `${you.recipient}\n`);
    await expect(save()).rejects.toMatchObject({ kind: 'secrets/locked-out' });
    await writeFile(recipients, '# nobody\n');
    await expect(save()).rejects.toMatchObject({
      kind: 'secrets/no-recipients',
      message: expect.stringContaining('lists nobody') as string,
    });
    await writeFile(recipients, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB me\n');
    await expect(save()).rejects.toMatchObject({
      kind: 'secrets/recipient',
      message: expect.stringContaining('.age-recipients:1: SSH keys') as string,
    });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('is written through a link, without replacing the link', async () => {
    const me = await keyPair();
    const file = await makeStore(root.at('linked'), { a: '1' }, me);
    const link = join(root.at('linked'), 'link.age');
    await symlink(file, link);
    const store = await SecretStore.open(link, keysOf(me));
    store.set('a', new Secret('2'));
    await store.save();
    await store.close();
    const again = await SecretStore.open(file, keysOf(me));
    expect(again.get('a')?.reveal()).toBe('2');
    await again.close();
  });

  it('that is locked by a passphrase stays so', async () => {
    const file = join(root.at(''), 'passphrase.age');
    await SecretStore.create(file, { passphrase: 'correct horse' });
    const asked: string[] = [];
    const answers = ['wrong', 'correct horse'];
    const keys = keysOf(await keyPair(), { ask: async (question) => (asked.push(question), answers.shift()) });
    const store = await SecretStore.open(file, keys);
    store.set('a', new Secret('1'));
    await store.save();
    await store.close();
    expect(asked).toEqual([`Passphrase of ${file}: `, `That does not open it. Passphrase of ${file}: `]);
    const again = await SecretStore.open(file, keysOf(await keyPair(), { ask: async () => 'correct horse' }));
    expect(again.get('a')?.reveal()).toBe('1');
    await again.close();
    await expect(SecretStore.open(file, keysOf(await keyPair()))).rejects.toMatchObject({ kind: 'secrets/no-passphrase' });
  });

  it('says what is wrong with it, without any of its contents', async () => {
    const me = await keyPair();
    const file = await makeStore(root.at('broken'), { a: 'hunter2hunter2' }, me);
    const text = await readFile(file, 'utf8');
    const open = (): Promise<SecretStore> => SecretStore.open(file, keysOf(me));
    const cases: [string, string][] = [
      [text.slice(0, -60), 'secrets/damaged'],
      [text.replace(/(.)(?=\n-----END)/u, (last) => (last === 'A' ? 'B' : 'A')), 'secrets/damaged'],
      ['superuser: x\n', 'secrets/not-age'],
      [`<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> other\n`, 'secrets/not-age'],
      ['', 'secrets/not-age'],
    ];
    for (const [broken, kind] of cases) {
      await writeFile(file, broken);
      await expect(open(), kind).rejects.toMatchObject({ kind, exitCode: 2 });
    }
    await writeFile(file, text);
    const store = await open();
    const contents: [string, RegExp][] = [
      ['a: [hunter2]\n', /line 1: the value of a is not a text$/u],
      ['a: hunter2\na: hunter3\n', /line 2: not valid YAML \(duplicate key\)$/u],
      ['a: "hunter2\nb: x\n', /line \d: not valid YAML \(missing char\)$/u],
      ['hunter2\n', /line 1: not a mapping of names to texts$/u],
      ['a:\n', /line 1: the value of a is empty$/u],
      ['a: "x\\0"\n', /line 1: the value of a holds a NUL character$/u],
      ['a: *hunter2\n', /not valid YAML|is not a text/u],
    ];
    for (const [content, message] of contents) {
      expect(() => store.replace(content), content).toThrow(message);
      expect(() => store.replace(content), content).not.toThrow(/hunter/u);
    }
    expect(store.get('a')?.reveal()).toBe('hunter2hunter2');
    await store.close();
  });

  it('refuses an identity that everyone can read', async () => {
    const me = await keyPair();
    const file = await makeStore(root.at('open'), { a: '1' }, me);
    const identity = join(root.at('open'), 'keys.txt');
    await writeFile(identity, `# created: today\n${me.identity}\n`);
    const keys = (): ReturnType<typeof keysOf> => keysOf(me, { files: [identity] });
    await chmod(identity, 0o644);
    await expect(SecretStore.open(file, keys())).rejects.toThrow('can be read by everyone; run chmod 600 on it');
    await chmod(identity, 0o600);
    await (await SecretStore.open(file, keys())).close();
  });
});
