import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PinnedKey } from '../../src/platform/index.js';
import type { Resource } from '../../src/resources/resource.js';
import { signingKey } from '../../src/resources/signing-key.js';
import { freshDirectory, sharedDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { patience } from '../support/patience.js';

describe('signingKey', () => {
  const work = freshDirectory();
  const url = 'https://mirror.example/key.asc';

  it('is installed, or replaces an unreadable file', () => {
    const key = signingKey({ path: '/etc/apt/keyrings/x.asc', keys: [{ fingerprint: 'A'.repeat(40), url }], manager: 'apt' });
    expect(key.diff({ type: 'absent' })).toEqual([
      { action: 'create', summary: `install key ${'A'.repeat(40)} as /etc/apt/keyrings/x.asc` },
    ]);
    expect(key.diff({ type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from('<html>') })).toEqual([
      { action: 'update', summary: `replace key /etc/apt/keyrings/x.asc: it holds no readable key, pinned is ${'A'.repeat(40)}` },
    ]);
  });

  it.skipIf(!isThere('gpg') || process.getuid?.() !== 0)('accepts the pinned key and no other', { timeout: patience(60_000) }, async () => {
    const gpg = (...words: string[]): string =>
      execFileSync('gpg', ['--batch', '--homedir', work.path, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    gpg('--passphrase', '', '--quick-generate-key', 'a@example.com', 'ed25519', 'default', 'never');
    const fingerprint = /^fpr:+([0-9A-F]{40}):/mu.exec(gpg('--list-keys', '--with-colons'))?.[1] ?? '';
    const armored = gpg('--armor', '--export');
    execFileSync('gpgconf', ['--homedir', work.path, '--kill', 'all'], { stdio: 'ignore' });
    const given = signingKey({ path: work.at('deep', 'er', 'key.asc'), keys: [{ fingerprint, url }], manager: 'apt', armored });
    expect((await bringAbout('dash', given)).left).toEqual([]);
    expect((await bringAbout('dash', given)).changes).toEqual([]);
    const { left } = await bringAbout(
      'dash',
      signingKey({ path: work.at('b', 'key.asc'), keys: [{ fingerprint: 'B'.repeat(40), url }], manager: 'apt', armored }),
    );
    expect(left).toHaveLength(1);
  });

  const fetching = isThere('/usr/lib/apt/apt-helper') && isThere('gpg') && process.getuid?.() === 0;

  describe.skipIf(!fetching)(fetching ? 'fetched' : 'fetched (skipped: no apt-helper, no gpg, or not root)', () => {
    const files = sharedDirectory();
    let fingerprint = '';
    let server: Server;
    let address = '';

    beforeAll(async () => {
      const gpg = (...words: string[]): Buffer =>
        execFileSync('gpg', ['--batch', '--homedir', files.path, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
      gpg('--passphrase', '', '--quick-generate-key', 'a@example.com', 'rsa2048', 'default', 'never');
      fingerprint = /^fpr:+([0-9A-F]{40}):/mu.exec(gpg('--list-keys', '--with-colons').toString())?.[1] ?? '';
      const armored = gpg('--armor', '--export').toString();
      const served = new Map<string, string | Buffer>([
        ['/key.asc', armored],
        ['/key.gpg', gpg('--export')],
        ['/windows.asc', armored.replaceAll('\n', '\r\n')],
        ['/page.html', '<html>'],
      ]);
      writeFileSync(files.at('key.asc'), armored);
      execFileSync('gpgconf', ['--homedir', files.path, '--kill', 'all'], { stdio: 'ignore' });
      server = createServer((request, response) => {
        const body = served.get(request.url ?? '');
        response.writeHead(body === undefined ? 404 : 200).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }, patience(60_000));
    afterAll(() => new Promise((resolve) => server.close(resolve)));

    describe.each(['apt', 'dnf'] as const)('for %s', (manager) =>
      inEveryShell(HOST_SHELLS, (shell) => {
        const fetch = (from: string, wanted = fingerprint): ReturnType<typeof bringAbout> =>
          bringAbout(
            shell,
            signingKey({ path: work.at('new', 'key'), keys: [{ fingerprint: wanted, url: from }], manager }) as Resource<unknown>,
          );

        it.each(['/key.asc', '/key.gpg'])('takes %s', async (path) => {
          const { answer: done, left } = await fetch(`${address}${path}`);
          expect(done).toEqual({ status: 0, words: '' });
          expect(left).toEqual([]);
        });

        it('rejects any key but the pinned one', async () => {
          const { answer: done, after } = await fetch(`${address}/key.asc`, 'C'.repeat(40));
          expect(done).toEqual({
            status: 1,
            words: `the key at ${address}/key.asc is not the pinned one\nfound ${fingerprint}, expected ${'C'.repeat(40)}\n`,
          });
          expect(after).toEqual({ type: 'absent' });
        });

        it.each(['/missing', '/page.html'])('reports what is wrong with %s', async (path) => {
          const { answer: done, after } = await fetch(`${address}${path}`);
          expect(done?.status).toBe(1);
          expect(done?.words).toContain(`${address}${path}`);
          expect(after).toEqual({ type: 'absent' });
        });

        it('accepts an armored key with Windows line ends, as openpgp.ts does', async () => {
          expect((await fetch(`${address}/windows.asc`)).left).toEqual([]);
        });
      }),
    );
  });

  describe('of the host’s architecture', () => {
    /** The packet of a version 4 key, which is all that a fingerprint is made from. */
    const keyOf = (body: string): Buffer => Buffer.concat([Buffer.from([0x99, 0, body.length + 1, 4]), Buffer.from(body)]);
    const fingerprintOf = (key: Buffer): string => createHash('sha1').update(key).digest('hex').toUpperCase();
    const [arm, general, stranger] = ['made for aarch64', 'made for the others', 'made by a stranger'].map(keyOf) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const keys: readonly PinnedKey[] = [
      { fingerprint: fingerprintOf(arm), url: 'https://m.example/arm', architecture: 'aarch64' },
      { fingerprint: fingerprintOf(general), url: 'https://m.example/general' },
    ];
    const path = '/etc/pki/rpm-gpg/KEY';
    const key = signingKey({ path, keys, manager: 'dnf' });
    const held = (content: Buffer): Parameters<typeof key.diff>[0] => ({
      type: 'file',
      owner: 'root',
      group: 'root',
      mode: '0644',
      content,
    });

    it('has a digest of all pinned keys', () => {
      expect(signingKey({ path, keys: keys.slice(1), manager: 'dnf' }).digest()).not.toBe(key.digest());
    });

    it.each([
      { title: 'the key of one architecture', content: arm, changes: 0 },
      { title: 'the key of the others', content: general, changes: 0 },
      { title: 'both keys in one file', content: Buffer.concat([arm, general]), changes: 1 },
      { title: 'another key', content: stranger, changes: 1 },
    ])('$title: $changes', ({ content, changes }) => expect(key.diff(held(content))).toHaveLength(changes));

    it('reports both when it has neither', () => {
      expect(key.diff({ type: 'absent' })).toEqual([
        { action: 'create', summary: `install key ${fingerprintOf(arm)} or ${fingerprintOf(general)} as ${path}` },
      ]);
    });

    /** A host of that architecture, whose curl copies what the mirror has and notes the proxy that it was told of. */
    function hostOf(architecture: string, mirror: Readonly<Record<string, Buffer>>): MadeUpHost {
      const curl = `for url; do :; done
echo "$http_proxy $https_proxy" >'${work.at('proxy')}'
while [ "$1" != -o ]; do shift; done
cp '${work.at('mirror')}'/"\${url##*/}" "$2" 2>/dev/null || { echo 'curl: (22) The requested URL returned error: 404' >&2; exit 22; }`;
      const host = new MadeUpHost({ root: work.path, programs: { curl, uname: `echo ${architecture}` }, paths: ['/etc/pki', '/etc/dnf'] });
      for (const [name, content] of Object.entries(mirror)) host.write(`mirror/${name}`, content);
      return host;
    }
    const here = (host: MadeUpHost): Resource<unknown> => host.resource(key) as Resource<unknown>;

    inEveryShell(HOST_SHELLS, (shell) => {
      it.each([
        { architecture: 'aarch64', url: 'https://m.example/arm', content: arm },
        { architecture: 'x86_64', url: 'https://m.example/general', content: general },
        { architecture: 'riscv64', url: 'https://m.example/general', content: general },
      ])('is $url for $architecture', async ({ architecture, url: from, content }) => {
        const host = hostOf(architecture, { arm, general });
        const { answer: done, left } = await bringAbout(shell, here(host));
        expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
        expect(readFileSync(host.at(path))).toEqual(content);
        expect(host.calls('curl').map((line) => line.split(' ').at(-1))).toEqual([from]);
        expect((await bringAbout(shell, here(host))).changes).toEqual([]);
      });

      it('is not accepted for another architecture, though that key is pinned as well', async () => {
        const { answer: done, after } = await bringAbout(shell, here(hostOf('aarch64', { arm: general })));
        expect(done).toEqual({
          status: 1,
          words: `the key at https://m.example/arm is not the pinned one\nfound ${fingerprintOf(general)}, expected ${fingerprintOf(arm)}\n`,
        });
        expect(after).toEqual({ type: 'absent' });
      });

      it('is reported missing, with curl’s own message', async () => {
        const { answer: done } = await bringAbout(shell, here(hostOf('x86_64', {})));
        expect(done).toEqual({
          status: 1,
          words:
            'curl: (22) The requested URL returned error: 404\nthe repository key could not be fetched from https://m.example/general: ' +
            "check the address and the host's way out, or set pgdg.key_url or pgdg.key\n",
        });
      });

      it.each([
        { conf: '[main]\nproxy = http://proxy.example:3128\n', told: 'http://proxy.example:3128 http://proxy.example:3128\n' },
        { conf: '[main]\nproxy_username=me\n', told: ' \n' },
      ])('comes through the proxy that dnf uses: $told', async ({ conf, told }) => {
        const host = hostOf('x86_64', { general });
        host.write('/etc/dnf/dnf.conf', conf);
        expect((await bringAbout(shell, here(host))).left).toEqual([]);
        expect(readFileSync(work.at('proxy'), 'utf8')).toBe(told);
      });
    });
  });
});
