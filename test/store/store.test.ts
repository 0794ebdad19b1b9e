import { X509Certificate, createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { redact, Secret } from '../../src/lib/secret.js';
import { Store, storeDirectory } from '../../src/store/store.js';
import { freshDirectory } from '../support/directory.js';
import { isThere } from '../support/shells.js';
import { DEMO } from '../support/demo.js';

const mode = (path: string): number => statSync(path).mode & 0o7777;

/** Every file and directory below a path. */
function below(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
}

describe('Store', () => {
  const work = freshDirectory();
  const open = (writable = true): Promise<Store> => Store.open(storeDirectory(work.path, 'demo'), DEMO, { writable });
  const passwords = (): string => work.at('.pgprov', 'demo', 'passwords.yml');

  it('is next to the inventory, one directory per cluster', () => {
    expect(storeDirectory('/inventory', 'demo')).toBe('/inventory/.pgprov/demo');
  });

  it('generates a password once and finds it again', async () => {
    const store = await open();
    const made = store.password('replication.password', undefined);
    expect(made.reveal()).toMatch(/^[A-Za-z0-9_-]{32}$/u);
    expect(store.password('replication.password', undefined).reveal()).toBe(made.reveal());
    expect(store.password('patroni.rewind_password', undefined).reveal()).not.toBe(made.reveal());
    expect(store.generated).toEqual(['replication.password', 'patroni.rewind_password']);
    await store.savePasswords();

    const again = await open();
    expect(again.password('replication.password', undefined).reveal()).toBe(made.reveal());
    expect(again.generated).toEqual([]);
    expect(readFileSync(passwords(), 'utf8')).toMatch(/^# Passwords that pgprov made\./u);
    expect(redact(readFileSync(passwords(), 'utf8'))).not.toContain(made.reveal());
  });

  it.each(['passwords.yml', 'password-rotation.yml'])(
    'warns of nothing in %s that somebody has edited, because that would quote it',
    async (name) => {
      const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      mkdirSync(work.at('.pgprov', 'demo'), { recursive: true, mode: 0o700 });
      writeFileSync(work.at('.pgprov', 'demo', name), 'path: a.b\nfrom: x\nto: !open5esame y\n', { mode: 0o600 });
      await open();
      expect(warned).not.toHaveBeenCalled();
      warned.mockRestore();
    },
  );

  it('uses a given password, and stores nothing of it', async () => {
    const store = await open();
    const given = new Secret('given by hand');
    expect(store.password('replication.password', given)).toBe(given);
    await store.savePasswords();
    expect(existsSync(passwords())).toBe(false);
  });

  it('is private to its owner', async () => {
    const store = await open();
    store.password('a.b', undefined);
    await store.savePasswords();
    await store.certificates.prepare([{ name: 'pg1', names: ['10.0.0.1'] }]);
    await store.remember({ pg1: { platform: 'debian13' } });
    expect(mode(store.directory)).toBe(0o700);
    const all = below(store.directory);
    expect(all.length).toBeGreaterThan(6);
    for (const path of all) expect({ path, mode: mode(path) }).toEqual({ path, mode: statSync(path).isDirectory() ? 0o700 : 0o600 });
    expect(readFileSync(work.at('.pgprov', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('closes a directory that was open to others', async () => {
    mkdirSync(work.at('.pgprov', 'demo'), { recursive: true, mode: 0o755 });
    expect(mode((await open()).directory)).toBe(0o700);
  });

  it('writes nothing in a read-only command', async () => {
    const store = await open(false);
    store.password('a.b', undefined);
    await store.savePasswords();
    await store.certificates.prepare([{ name: 'pg1', names: ['10.0.0.1'] }]);
    await store.remember({ pg1: { platform: 'debian13' } });
    expect(readdirSync(work.path)).toEqual([]);
    expect(store.initialised).toBe(false);
    expect(store.caCertificate).toBe('(made by the first apply)\n');
    expect(store.node('pg1').certificate).toBe('(made by the first apply)\n');
  });

  it('leaves existing files unchanged in a read-only command', async () => {
    const first = await open();
    await first.certificates.prepare([{ name: 'pg1', names: ['10.0.0.1'] }]);
    const before = below(work.path).map((path) => [path, statSync(path).mtimeMs]);
    const store = await open(false);
    await store.certificates.prepare([
      { name: 'pg1', names: ['10.0.0.1'] },
      { name: 'pg2', names: [] },
    ]);
    expect(store.node('pg1').certificate).toBe(first.node('pg1').certificate);
    expect(store.node('pg2').certificate).toBe('(made by the first apply)\n');
    expect(store.initialised).toBe(true);
    expect(below(work.path).map((path) => [path, statSync(path).mtimeMs])).toEqual(before);
  });

  it('remembers the platforms of hosts', async () => {
    const store = await open();
    await store.remember({ pg1: { platform: 'debian12' }, pg2: { platform: 'debian13' } });
    await store.remember({ pg1: { platform: 'debian13' } });
    const again = await open();
    expect([again.remembered('pg1'), again.remembered('pg2'), again.remembered('pg3')]).toEqual([
      { platform: 'debian13' },
      { platform: 'debian13' },
      undefined,
    ]);
    const { mtimeMs } = statSync(join(store.directory, 'hosts.json'));
    await again.remember({ pg1: { platform: 'debian13' } });
    expect(statSync(join(store.directory, 'hosts.json')).mtimeMs).toBe(mtimeMs);
  });

  it.each(['just text', 'a: {b: c}', 'a: 5', '# nothing'])('refuses a password file with %j', async (text) => {
    mkdirSync(work.at('.pgprov', 'demo'), { recursive: true });
    writeFileSync(passwords(), text);
    await expect(open()).rejects.toMatchObject({ kind: 'store/unreadable', hint: expect.stringContaining('backup') as string });
    expect(readFileSync(passwords(), 'utf8')).toBe(text);
  });

  it.each(['a: [', 'a: "b', '[one, two]'])('refuses a password file with %j in its own words', async (text) => {
    mkdirSync(work.at('.pgprov', 'demo'), { recursive: true });
    writeFileSync(passwords(), text);
    await expect(open()).rejects.toMatchObject({ kind: 'store/unreadable' });
  });

  it('works without a broken file of remembered hosts, which only saves a round trip', async () => {
    mkdirSync(work.at('.pgprov', 'demo'), { recursive: true });
    writeFileSync(work.at('.pgprov', 'demo', 'hosts.json'), '{"pg1"');
    expect((await open()).remembered('pg1')).toBeUndefined();
  });
});

const openssl = isThere('openssl');

describe.skipIf(!openssl)(openssl ? 'certificates' : 'certificates (skipped: no openssl on this machine)', () => {
  const work = freshDirectory();
  const open = (): Promise<Store> => Store.open(work.path, DEMO, { writable: true });
  const identity = { name: 'pg1', names: ['10.0.0.1', 'pg1.example.com', 'fd00::1'] };

  it('have an authority that may sign, and nothing else may', async () => {
    const store = await open();
    await store.certificates.prepare([identity]);
    const ca = new X509Certificate(store.caCertificate);
    expect(ca.subject).toBe('CN=pgprov CA of demo');
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(Date.parse(ca.validTo) - Date.now()).toBeGreaterThan(9 * 365 * 86_400_000);
    expect(new X509Certificate(store.node('pg1').certificate).ca).toBe(false);
    expect(store.initialised).toBe(true);
  });

  it('are for both sides, with the names of the node', async () => {
    const store = await open();
    await store.certificates.prepare([identity]);
    const { certificate, key } = store.node('pg1');
    const node = new X509Certificate(certificate);
    expect(node.subject).toBe('CN=pg1');
    // serverAuth and clientAuth: etcd's peers are clients of each other.
    expect(node.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    const [names, hosts] = [
      ['pg1', 'pg1.example.com', 'localhost'],
      ['10.0.0.1', 'fd00::1', '127.0.0.1', '::1'],
    ];
    for (const name of names) expect(node.checkHost(name)).toBe(name);
    for (const address of hosts) expect(node.checkIP(address)).toBe(address);
    expect(node.checkIP('10.0.0.2')).toBeUndefined();
    const ca = new X509Certificate(store.caCertificate);
    expect(node.checkIssued(ca) && node.verify(ca.publicKey)).toBe(true);
    expect(node.checkPrivateKey(createPrivateKey(key.reveal()))).toBe(true);
    expect(`${key}`).toBe('***');
  });

  it('have a serial number and a key for each node', async () => {
    const store = await open();
    await store.certificates.prepare([identity, { name: 'pg2', names: ['10.0.0.2'] }]);
    const [one, two] = ['pg1', 'pg2'].map((name) => new X509Certificate(store.node(name).certificate));
    expect(one?.serialNumber).not.toBe(two?.serialNumber);
    expect(store.node('pg1').key.reveal()).not.toBe(store.node('pg2').key.reveal());
  });

  it('are kept while they fit', async () => {
    const first = await open();
    await first.certificates.prepare([identity]);
    const again = await open();
    await again.certificates.prepare([{ ...identity, names: ['10.0.0.1'] }]);
    expect(again.node('pg1')).toEqual(first.node('pg1'));
    expect(again.caCertificate).toBe(first.caCertificate);
  });

  it('are made anew for another address, and kept once saved', async () => {
    const first = await open();
    await first.certificates.prepare([identity]);
    const again = await open();
    const elsewhere = { name: 'pg1', names: ['10.0.0.9'] };
    await again.certificates.prepare([elsewhere]);
    expect(again.node('pg1').key.reveal()).not.toBe(first.node('pg1').key.reveal());
    expect(new X509Certificate(again.node('pg1').certificate).checkIP('10.0.0.9')).toBe('10.0.0.9');
    const [before, after] = [await open(), await open()];
    await before.certificates.prepare([identity]);
    expect(before.node('pg1')).toEqual(first.node('pg1'));
    await again.certificates.save(['pg1']);
    await after.certificates.prepare([elsewhere]);
    expect(after.node('pg1')).toEqual(again.node('pg1'));
  });

  it('are made anew when another authority signed them', async () => {
    const first = await open();
    await first.certificates.prepare([identity]);
    for (const name of ['ca.crt', 'ca.key']) rmSync(work.at('pki', name));
    const again = await open();
    await again.certificates.prepare([identity]);
    const node = new X509Certificate(again.node('pg1').certificate);
    expect(node.verify(new X509Certificate(again.caCertificate).publicKey)).toBe(true);
  });

  it('report a missing key of the authority only when it is needed', async () => {
    await (await open()).certificates.prepare([identity]);
    rmSync(work.at('pki', 'ca.key'));
    await (await open()).certificates.prepare([identity]);
    await expect((await open()).certificates.prepare([{ name: 'pg2', names: [] }])).rejects.toMatchObject({
      kind: 'store/no-ca-key',
      message: expect.stringContaining(work.at('pki', 'ca.key')) as string,
    });
    expect(existsSync(work.at('pki', 'ca.key'))).toBe(false);
  });

  it('need no authority when there are no nodes', async () => {
    await (await open()).certificates.prepare([]);
    expect(existsSync(work.at('pki'))).toBe(false);
  });

  it('include no placeholder for a host whose roles declare no key pair, nor for an authority that is not needed', async () => {
    for (const writable of [true, false]) {
      const none = await Store.open(work.at(`none-${writable}`), DEMO, { writable });
      await none.certificates.prepare([]);
      expect(() => none.caCertificate).toThrow(expect.objectContaining({ kind: 'roles/no-identity', exitCode: 2 }) as Error);
      const other = await Store.open(work.at(`other-${writable}`), DEMO, { writable });
      await other.certificates.prepare([identity]);
      expect(() => other.node('lb1')).toThrow(/^no role of lb1 declares `tls`, so it has no key pair of the cluster's authority$/u);
    }
  });

  it('leave no draft behind', async () => {
    await (await open()).certificates.prepare([identity]);
    expect(
      below(work.path)
        .map((path) => path.slice(work.path.length + 1))
        .sort(),
    ).toEqual(['pki', 'pki/ca.crt', 'pki/ca.key', 'pki/nodes', 'pki/nodes/pg1.crt', 'pki/nodes/pg1.key', 'pki/revocations.json']);
  });

  it('keep a placeholder of a missing key out of text that people see', async () => {
    const store = await Store.open(work.at('other'), DEMO, { writable: false });
    await store.certificates.prepare([identity]);
    expect(store.node('pg1').key).toBeInstanceOf(Secret);
  });
});
