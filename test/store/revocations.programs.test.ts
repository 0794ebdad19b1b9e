import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Certificates } from '../../src/store/certificates.js';
import type { Renewal } from '../../src/store/renewal.js';
import { serialsIn } from '../../src/store/revocation-list.js';
import { addressesOf, Revocations } from '../../src/store/revocations.js';
import { freshDirectory } from '../support/directory.js';
import { DEMO } from '../support/demo.js';
import { isThere } from '../support/shells.js';

const NODES = [
  { name: 'pg1', names: ['10.0.0.1'] },
  { name: 'pg3', names: ['10.0.0.3', 'fd00::3', 'pg3.example.org'] },
];
const openssl = isThere('openssl');

describe.skipIf(!openssl)(openssl ? 'revoked certificates' : 'revoked certificates (skipped: no openssl on this machine)', () => {
  const work = freshDirectory();
  const file = (): string => work.at('pki', 'revocations.json');
  const open = async (renewal: Renewal = {}, writable = true): Promise<Certificates> => {
    const certificates = await Certificates.open(work.at('pki'), DEMO, writable, renewal);
    await certificates.prepare(NODES);
    await certificates.save(['pg1', 'pg3']);
    return certificates;
  };
  const serial = (certificates: Certificates, host: string): string =>
    new X509Certificate(certificates.node(host).certificate).serialNumber.replace(/^0+/u, '');
  /** The list as OpenSSL reads it, checked against an authority. */
  const told = (list: Buffer, authority: string): string => {
    writeFileSync(work.at('list'), list);
    writeFileSync(work.at('ca'), authority);
    const words = ['crl', '-inform', 'DER', '-in', work.at('list'), '-noout', '-text', '-CAfile', work.at('ca')];
    return execFileSync('openssl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };

  it('are none in a cluster that begins, whose hosts have a list from their first start', async () => {
    const look = await Certificates.open(work.at('pki'), DEMO, false);
    expect(look.revocationList?.toString()).toContain('made by the first apply');
    const { revocationList = Buffer.of(), bundle } = await open();
    expect(serialsIn(revocationList)).toEqual([]);
    expect(told(revocationList, bundle)).toMatch(/Version 2[\s\S]*No Revoked Certificates/u);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect((await open()).revocationList).toEqual(revocationList);
  });

  it('stand on a list that OpenSSL reads, and their host gets another one', async () => {
    const before = await open();
    const former = serial(before, 'pg3');
    const { authority } = before;
    await authority.revoke('pg3', await authority.issuedTo('pg3'));
    const after = await open({ hosts: ['pg1'] });
    expect(serialsIn(after.revocationList ?? Buffer.of())).toEqual([former]);
    const words = told(after.revocationList ?? Buffer.of(), after.bundle);
    expect(words).toMatch(/CRL Number: *\n? *2/u);
    expect(words.replaceAll(/[^0-9A-F]/gu, '')).toContain(former);
    expect(serial(after, 'pg3')).not.toBe(former);
    expect(serial(after, 'pg1')).toBe(serial(before, 'pg1'));
    const [revoked] = after.authority.revocations.revoked;
    expect(revoked).toMatchObject({ host: 'pg3', serial: former, names: ['pg3', '10.0.0.3', 'FD00:0:0:0:0:0:0:3', 'pg3.example.org'] });
    expect(addressesOf([revoked ?? { names: [] }])).toEqual(['10.0.0.3', 'FD00:0:0:0:0:0:0:3']);
    expect((await after.authority.revokedPair(former))?.key).toBe(before.node('pg3').key.reveal());
  });

  it('are all that a host has had, as far as that was noted', async () => {
    const first = await open();
    const second = await open({ all: true, hosts: ['pg3'] });
    const serials = [serial(first, 'pg3'), serial(second, 'pg3')];
    expect((await second.authority.issuedTo('pg3')).map((each) => each.serial)).toEqual(serials);
    await second.authority.revoke('pg3', await second.authority.issuedTo('pg3'));
    expect(new Set(serialsIn((await open()).revocationList ?? Buffer.of()))).toEqual(new Set(serials));
  });

  it('are not known to a cluster of before, until one is', async () => {
    const first = await open();
    writeFileSync(file(), JSON.stringify({ number: 0, revoked: [], issued: {} }));
    const again = await open();
    expect(again.revocationList).toBeUndefined();
    expect((await again.authority.issuedTo('pg3')).map((each) => each.serial)).toEqual([serial(first, 'pg3')]);
    await again.authority.revoke('pg3', await again.authority.issuedTo('pg3'));
    expect(serialsIn((await open()).revocationList ?? Buffer.of())).toEqual([serial(first, 'pg3')]);
  });

  it('stay revoked while the authority is replaced, by which later ones are signed', async () => {
    const first = await open();
    await first.authority.revoke('pg3', await first.authority.issuedTo('pg3'));
    const list = (await open()).revocationList;
    for (const rotation of ['trust', 'issue', 'drop'] as const) await open({ rotation });
    const rotated = await open();
    await rotated.finishRotation();
    expect(rotated.revocationList).toEqual(list);
    await rotated.authority.revoke('pg1', await rotated.authority.issuedTo('pg1'));
    const last = await open();
    expect(told(last.revocationList ?? Buffer.of(), last.bundle)).toContain('pgprov CA 2 of demo');
    expect(serialsIn(last.revocationList ?? Buffer.of())).toHaveLength(3);
  });

  it('are not written down without the key of the authority', async () => {
    const first = await open();
    const text = readFileSync(file(), 'utf8');
    execFileSync('mv', [work.at('pki', 'ca.key'), work.at('ca.key')]);
    expect(await first.authority.signs()).toBe(false);
    await expect(first.authority.revoke('pg3', await first.authority.issuedTo('pg3'))).rejects.toMatchObject({ kind: 'store/no-ca-key' });
    expect(readFileSync(file(), 'utf8')).toBe(text);
    expect(existsSync(work.at('pki', 'revoked'))).toBe(false);
  });

  it.each<{ title: string; edit(text: string): string }>([
    { title: 'no JSON', edit: () => '{' },
    { title: 'a list that is none', edit: (text) => text.replace(/"list": "[^"]*"/u, '"list": "AAAA"') },
    {
      title: 'others than its list',
      edit: (text) => text.replace(/"revoked": \[\]/u, '"revoked": [{"host": "pg3", "serial": "AB", "until": "", "names": []}]'),
    },
  ])('are not read from a file with $title', async ({ edit }) => {
    await open();
    writeFileSync(file(), edit(readFileSync(file(), 'utf8')));
    await expect(Revocations.open(work.at('pki'))).rejects.toMatchObject({ kind: 'store/unreadable' });
  });
});
