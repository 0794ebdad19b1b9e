import { describe, expect, it } from 'vitest';
import { file } from '../../src/resources/files/file.js';
import { serverCertificate, serverCertificateLoaded, type LoadedCertificate } from '../../src/resources/server-certificate.js';
import type { Resource } from '../../src/resources/resource.js';

const SERVER = {
  binDirectory: '/usr/lib/postgresql/17/bin',
  socketDirectory: '/var/run/postgresql',
  port: 5432,
  user: 'postgres',
  home: '/var/lib/postgresql',
};
const PATHS = { ca: '/t/ca.crt', certificate: '/t/node.crt', key: '/t/node.key' };
const key = file({ path: PATHS.key, content: 'key' }) as Resource;
const loaded = serverCertificateLoaded(SERVER, PATHS, [key]);
const there = (content: string): object => ({ type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from(content) });

describe('whether a server has read its certificate', () => {
  it.each<{ title: string; seen: LoadedCertificate; stands?: string; reloads: boolean }>([
    { title: 'read after it was written', seen: { loaded: 20, written: 10 }, reloads: false },
    { title: 'written since', seen: { loaded: 10, written: 20 }, reloads: true },
    { title: 'read in the second in which it was written', seen: { loaded: 10, written: 10 }, reloads: true },
    { title: 'about to be written', seen: { loaded: 20, written: 10 }, stands: 'other', reloads: true },
    { title: 'of a server that is down', seen: { loaded: undefined, written: 20 }, stands: 'other', reloads: false },
  ])('$title', ({ seen, stands = 'key', reloads }) => {
    const changes = loaded.diff(seen, new Map([[key.id, there(stands)]]));
    expect(changes.map(({ summary }) => summary)).toEqual(reloads ? ['have PostgreSQL read its certificate again'] : []);
  });

  it('is read from the times of its files and of the last reload', () => {
    const mark = /\\echo (\S+)/u;
    const answer = (text: string): LoadedCertificate => loaded.parse({ status: 0, out: Buffer.from(text) });
    expect(answer('@\n')).toEqual({ loaded: undefined, written: undefined });
    expect(answer('1795997972\n@\n').written).toBe(1795997972);
    expect(mark.test(loaded.probe().text)).toBe(false);
  });
});

it('reads the fingerprints of the certificate that is presented and of that in the file, and that there is none', () => {
  const seen = serverCertificate('10.0.0.1:5432', PATHS.certificate);
  const parse = (text: string): unknown => seen.parse({ status: 0, out: Buffer.from(text) });
  expect(parse('AB:CD\nEF:01\n')).toEqual({ presented: 'AB:CD', wanted: 'EF:01' });
  expect(parse('\nEF:01\n')).toEqual({ presented: undefined, wanted: 'EF:01' });
  expect(parse('')).toEqual({ presented: undefined, wanted: undefined });
});
