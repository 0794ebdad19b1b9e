import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificatesIn, endOfGiven, givenProblems, namesMissing, pemOf, type GivenTexts } from '../../src/store/given.js';
import { companyPair, signed } from '../support/company-pki.js';
import { expired } from '../support/expired.js';

const good = companyPair(['db.example.com', '10.0.0.1']);
const other = companyPair(['other.example.com']);
const [own = ''] = good.certificate.split(/(?<=END CERTIFICATE-----\n)/u);
const itself = signed({ commonName: 'alone', names: ['db'] });
const forClients = companyPair(['db'], { purpose: 'clientAuth' });
const locked = String(createPrivateKey(good.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }));

describe('a given certificate', () => {
  it.each<{ title: string; texts: GivenTexts; says: string[] }>([
    { title: 'with its chain and authority', texts: good, says: [] },
    { title: 'whose chain stands with the authority', texts: { ...good, certificate: own, ca: `${good.between}${good.ca}` }, says: [] },
    {
      title: 'with comments, and lines as Windows ends them',
      texts: { ...good, certificate: `Bag Attributes\r\n${good.certificate.replaceAll('\n', '\r\n')}` },
      says: [],
    },
    { title: 'that signed itself', texts: { ...itself, ca: itself.certificate }, says: [] },
    { title: 'for servers and others', texts: companyPair(['db'], { purpose: 'clientAuth,serverAuth' }), says: [] },
    {
      title: 'with the key of another',
      texts: { ...good, key: other.key },
      says: ['key does not belong to the certificate of db.example.com'],
    },
    {
      title: 'behind its authority’s',
      texts: { ...good, certificate: `${good.between}${own}` },
      says: ['key does not belong to the certificate of Company Servers'],
    },
    {
      title: 'without what is between',
      texts: { ...good, certificate: own },
      says: ['certificate is not signed up to an authority of tls_ca: who signed db.example.com is missing, CN=Company Servers'],
    },
    {
      title: 'whose authority is trusted by nobody but itself',
      texts: { ...good, certificate: `${good.certificate}${good.ca}`, ca: other.ca },
      says: ['certificate is of an authority that tls_ca does not have: Company Root'],
    },
    {
      title: 'whose authority is not the one that signed itself, which libpq refuses',
      texts: { ...good, ca: good.between },
      says: ['certificate is not signed up to an authority of tls_ca: who signed Company Servers is missing, CN=Company Root'],
    },
    {
      title: 'for clients alone',
      texts: forClients,
      says: ['certificate is not for servers, so that clients refuse it: its extended key usage lacks serverAuth'],
    },
    {
      title: 'with its key in the same text',
      texts: { ...good, certificate: `${good.certificate}${good.key}` },
      says: ['certificate holds a private key beside the certificate'],
    },
    {
      title: 'that is none',
      texts: { ...good, certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      says: ['certificate holds no certificate in PEM that can be read'],
    },
    {
      title: 'whose key is none',
      texts: { ...good, key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' },
      says: ['key holds no private key in PEM that can be read'],
    },
    {
      title: 'whose key is locked',
      texts: { ...good, key: locked },
      says: ['key is locked with a passphrase'],
    },
  ])('is judged: $title', ({ texts, says }) => {
    const found = givenProblems(texts);
    expect(found.map(({ part, message }) => `${part} ${message}`)).toEqual(says);
    expect(found.every(({ hint }) => hint !== undefined)).toBe(true);
    expect(JSON.stringify(found)).not.toContain(texts.key.split('\n')[1]);
  });

  it('leaves this machine without anything but certificates', () => {
    const text = pemOf(`subject=db\r\n${good.certificate.replaceAll('\n', '\r\n')}${good.key}`);
    expect(text).toBe(good.certificate);
    expect(certificatesIn(text)).toHaveLength(2);
  });

  it('ends with the first of its chain', () => {
    expect(endOfGiven(good)).toMatchObject({ isOwn: true, subject: 'db.example.com' });
    const past = expired(good.ca, good.root.key);
    const ended = endOfGiven({ certificate: good.certificate, ca: past });
    expect(ended).toMatchObject({ isOwn: false, subject: 'Company Root' });
    expect(ended?.end).toBeLessThan(Date.now());
    expect(endOfGiven({ certificate: '', ca: '' })).toBeUndefined();
  });

  it('is for the names and addresses that it has', () => {
    const [certificate] = certificatesIn(good.certificate);
    expect(certificate && namesMissing(certificate, ['db.example.com', '10.0.0.1', '10.0.0.2', 'db'])).toEqual(['10.0.0.2', 'db']);
  });
});
