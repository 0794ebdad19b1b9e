import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import certificates from '../../../src/diagnoses/host/certificates.js';
import { fileHandle, type PathState } from '../../../src/resources/files/path.js';
import { issueNode, makeAuthority, type KeyPair } from '../../../src/store/issue.js';
import { companyPair } from '../../support/company-pki.js';
import { expired } from '../../support/expired.js';
import { findings, found, seen, type ExaminedHost } from '../../support/examination.js';
import { THREE } from '../../support/inventory.js';

const work = mkdtempSync(join(tmpdir(), 'pgprov-certificates-'));
let authority: KeyPair;
let other: KeyPair;
let own: KeyPair;

beforeAll(async () => {
  authority = await makeAuthority(work, 'demo');
  other = await makeAuthority(work, 'stranger');
  own = await issueNode(work, { name: 'pg1', names: ['10.0.0.1'] }, authority);
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

const file = (text: string): PathState => ({ type: 'file', owner: 'etcd', group: 'etcd', mode: '0644', content: Buffer.from(text) });

function host(ca: string, certificate?: string): ExaminedHost {
  return {
    states: [
      seen(fileHandle('/etc/etcd/tls/ca.crt'), file(ca)),
      ...(certificate === undefined ? [] : [seen(fileHandle('/etc/etcd/tls/node.crt'), file(certificate))]),
    ],
  };
}

it('finds nothing wrong with certificates of an authority that all trust, maybe beside a second one', async () => {
  const both = `${authority.certificate}${other.certificate}`;
  expect(await found(certificates, { pg1: host(authority.certificate, own.certificate), pg2: host(both) })).toEqual([]);
});

it('finds a certificate that has expired, and since when', async () => {
  const old = expired(own.certificate, own.key, authority);
  const [finding] = await findings(certificates, { pg1: host(authority.certificate, old) });
  expect(finding).toMatchObject({ level: 'broken', host: 'pg1', what: 'the certificate /etc/etcd/tls/node.crt has expired' });
  expect(finding?.since).toBeLessThan(Date.now());
});

it('finds that so many have expired that no quorum is left, as why nobody can write', async () => {
  const old = expired(own.certificate, own.key, authority);
  const ill = host(authority.certificate, old);
  const [finding, ...others] = await findings(certificates, { pg1: ill, pg2: ill, pg3: host(authority.certificate, own.certificate) });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ level: 'broken', what: 'certificates of pg1 and pg2 have expired, which leaves no quorum of the store' });
  expect(finding?.host).toBeUndefined();
  expect(finding?.explains).toEqual(expect.arrayContaining(['store-quorum', 'no-leader', 'store-member-down']));
  expect(finding?.evidence.map(({ host: name }) => name)).toEqual(['pg1', 'pg2']);
});

it('finds that the authority has expired, which takes a new one', async () => {
  const past = expired(authority.certificate, authority.key);
  const [finding] = await findings(certificates, { pg1: host(past, own.certificate) });
  expect(finding).toMatchObject({ level: 'broken', what: 'the authority that signed /etc/etcd/tls/node.crt has expired' });
  expect(finding?.evidence[0]?.source).toBe('/etc/etcd/tls/ca.crt');
  expect(finding?.mend).toMatch(/^`pgprov certs renew .* --ca` makes a new authority/u);
});

it('says what follows where pgBackRest’s has expired', async () => {
  const old = expired(own.certificate, own.key, authority);
  const states = [seen(fileHandle('/etc/pgbackrest/tls/node.crt'), file(old))];
  const [finding] = await findings(certificates, { pg1: { states } });
  expect(finding?.follows).toContain('no WAL is archived and no backup is taken');
});

it('finds a certificate that another host does not trust', async () => {
  expect(await found(certificates, { pg1: host(authority.certificate, own.certificate), pg2: host(other.certificate) })).toEqual([
    'broken pg1 the certificate /etc/etcd/tls/node.crt is of an authority that pg2 does not trust',
  ]);
});

describe('a certificate that the inventory gives', () => {
  const pair = companyPair(['db.example.com', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const [leaf = '', between = ''] = pair.certificate.split(/(?<=END CERTIFICATE-----\n)(?=-)/u);
  const yaml = `${THREE}postgresql: ${JSON.stringify({ tls: true, tls_certificate: pair.certificate, tls_key: pair.key, tls_ca: pair.ca })}\n`;
  const having = (certificate: string): ExaminedHost => ({
    states: [seen(fileHandle('/etc/pgprov/postgresql-17-main/node.crt'), file(certificate))],
  });

  it.each<{ title: string; certificate: () => string; what: RegExp[] }>([
    { title: 'lasts', certificate: () => pair.certificate, what: [] },
    {
      title: 'has expired',
      certificate: () => expired(leaf, pair.key, { certificate: between, key: pair.betweenKey }),
      what: [/^the certificate \/etc\/pgprov\/postgresql-17-main\/node\.crt, which the inventory gives, has expired$/u],
    },
    {
      title: 'ends soon',
      certificate: () => companyPair(['db'], { days: 5 }).certificate,
      what: [/which the inventory gives, expires in [4-6] days$/u],
    },
  ])('is told of where it $title, with advice that is no renewal', async ({ certificate, what }) => {
    const all = await findings(certificates, { pg1: having(certificate()) }, yaml);
    expect(all.map((finding) => finding.what)).toEqual(what.map((pattern): unknown => expect.stringMatching(pattern)));
    expect(all.map(({ mend }) => mend).join('')).not.toContain('certs renew');
    expect(all.every(({ mend = '' }) => mend.includes('have another one signed'))).toBe(true);
  });
});
