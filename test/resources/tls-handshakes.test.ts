import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, tlsHandshake, tlsHandshakes, type TlsHandshakesState, type TlsPaths } from '../../src/resources/tls-handshakes.js';
import { Certificates } from '../../src/store/certificates.js';
import { observe } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { DEMO } from '../support/demo.js';

const answer = (text: string) => ({ status: 0, out: Buffer.from(text) });

describe('addressOf', () => {
  it.each([
    { listener: '10.0.0.1:2379', address: '10.0.0.1' },
    { listener: '[fd00::1]:2379', address: 'fd00::1' },
    { listener: 'pg1.example.com:2380', address: 'pg1.example.com' },
  ])('$listener', ({ listener, address }) => expect(addressOf(listener)).toBe(address));
});

describe('tlsHandshakes', () => {
  const listeners = ['10.0.0.1:2379', '10.0.0.1:2380'];
  const seen = tlsHandshakes({ files: { ca: '/ca', certificate: '/crt', key: '/key' }, listeners, unit: 'etcd' });
  const silent = listeners.map((listener) => ({ listener, accepted: false, presented: undefined }));

  it.each<{ text: string; state: TlsHandshakesState }>([
    {
      text: 'loaded 20 10\n10.0.0.1:2380 yes AA:BB\n10.0.0.1:2379 no \n',
      state: {
        authorityLoaded: true,
        handshakes: [
          { listener: '10.0.0.1:2379', accepted: false, presented: undefined },
          { listener: '10.0.0.1:2380', accepted: true, presented: 'AA:BB' },
        ],
      },
    },
    { text: 'loaded 10 20\n', state: { authorityLoaded: false, handshakes: silent } },
    { text: 'loaded  20\n', state: { authorityLoaded: undefined, handshakes: silent } },
    { text: 'loaded  \n', state: { authorityLoaded: undefined, handshakes: silent } },
  ])('reads $text', ({ text, state }) => expect(seen.parse(answer(text))).toEqual(state));

  it('rejects unknown output', () => expect(() => seen.parse(answer('what?\n'))).toThrow('something unknown'));
});

const there = ['curl', 'openssl'].every(isThere);

describe.skipIf(!there)(there ? 'a handshake' : 'a handshake (skipped: no curl or openssl on this machine)', () => {
  const work = mkdtempSync(join(tmpdir(), 'pgprov-tls-'));
  let server: Server;
  let listener: string;
  let fingerprint: string;
  const files = (of: string): TlsPaths => ({ ca: join(work, of, 'ca'), certificate: join(work, of, 'crt'), key: join(work, of, 'key') });

  beforeAll(async () => {
    const own = await Certificates.open(join(work, 'own'), DEMO, true);
    const foreign = await Certificates.open(join(work, 'foreign'), DEMO, true);
    for (const [name, certificates] of Object.entries({ own, foreign })) {
      await certificates.prepare([
        { name: 'pg1', names: [] },
        { name: 'pg2', names: [] },
      ]);
      const { ca, certificate, key } = files(name);
      writeFileSync(ca, certificates.bundle);
      writeFileSync(certificate, certificates.node('pg2').certificate);
      writeFileSync(key, certificates.node('pg2').key.reveal());
    }
    const { certificate: cert, key } = own.node('pg1');
    fingerprint = new X509Certificate(cert).fingerprint256;
    server = createServer({ cert, key: key.reveal(), ca: own.bundle, requestCert: true, rejectUnauthorized: true }, (_request, response) =>
      response.writeHead(404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    listener = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server?.close();
    rmSync(work, { recursive: true, force: true });
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it('succeeds between members of one authority, whatever the answer is', async () => {
      expect(await feed(shell, tlsHandshake(files('own'), [listener]).text)).toMatchObject({ code: 0 });
    });

    it.each([
      { title: 'certificates of another authority', of: 'foreign', at: () => listener },
      { title: 'a missing listener', of: 'own', at: () => '127.0.0.1:1' },
    ])('fails with $title', async ({ of, at }) => {
      const { code, out } = await feed(shell, tlsHandshake(files(of), [at()]).text);
      expect([code, out.toString()]).toEqual([1, `not accepted: ${at()}\n`]);
    });

    it('has a result for each listener', async () => {
      const { code, out } = await feed(shell, tlsHandshake(files('own'), ['127.0.0.1:1', listener, '127.0.0.1:2']).text);
      expect([code, out.toString()]).toEqual([1, 'not accepted: 127.0.0.1:1 127.0.0.1:2\n']);
    });

    it('has no result without curl', async () => {
      const { code, out } = await feed(shell, `PATH=/nowhere\n${tlsHandshake(files('own'), [listener, '127.0.0.1:1']).text}`);
      expect([code, out.toString()]).toEqual([1, `not accepted: ${listener} 127.0.0.1:1\n`]);
    });

    it('shows the certificate that is presented', async () => {
      const made = tlsHandshakes({ files: files('own'), listeners: [listener, '127.0.0.1:1'], unit: 'no-such-unit' });
      expect(await observe(shell, made)).toEqual({
        authorityLoaded: undefined,
        handshakes: [
          { listener, accepted: true, presented: fingerprint },
          { listener: '127.0.0.1:1', accepted: false, presented: undefined },
        ],
      });
    });
  });
});
