import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hostKeyAlgorithms, judge } from '../../src/transport/host-key.js';
import { appendHostKey, hostsFieldMatches, knownName, KnownHosts } from '../../src/transport/known-hosts.js';

function key(type: string, content: string): Buffer {
  const part = (text: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  return Buffer.concat([part(type), part(content)]);
}

const one = key('ssh-ed25519', 'one');
const two = key('ssh-ed25519', 'two');
const rsa = key('ssh-rsa', 'three');
const text = (blob: Buffer): string => blob.toString('base64');

describe('the host field', () => {
  it.each([
    ['db1', 'db1', true],
    ['DB1', 'db1', true],
    ['db1', 'db10', false],
    ['db?', 'db1', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['a,db1,b', 'db1', true],
    ['*,!db1', 'db1', false],
    ['!db1,*', 'db1', false],
    ['!db1', 'db2', false],
    ['[db1]:2222', '[db1]:2222', true],
    ['[*.lan]:2222', '[x.lan]:2222', true],
    ['db1', '[db1]:2222', false],
    ['a.b', 'axb', false],
    ['|1|bm90IHRoZSBzYWx0|bm90IHRoZSBoYXNo', 'db1', false],
  ])('%s covers %s: %s', (field, name, expected) => {
    expect(hostsFieldMatches(field, name)).toBe(expected);
  });

  it('names ports the way ssh does', () => {
    expect(knownName('DB1', 22)).toBe('db1');
    expect(knownName('fe80::1', 2222)).toBe('[fe80::1]:2222');
  });
});

describe('KnownHosts', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pgprov-known-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  async function load(...files: string[]): Promise<KnownHosts> {
    const paths = await Promise.all(
      files.map(async (content, index) => {
        const path = join(dir, `f${index}`);
        await writeFile(path, content);
        return path;
      }),
    );
    return KnownHosts.load([join(dir, 'missing'), ...paths]);
  }

  it('ignores unreadable lines', async () => {
    const hosts = await load(
      `\n# c\ndb1\ndb1 ssh-ed25519\ndb1 ssh-ed25519 AA\n@odd db1 ssh-ed25519 ${text(one)}\n  db1 ssh-ed25519 ${text(one)} a comment\r\n`,
    );
    expect(hosts.find('db1')).toMatchObject([{ line: 7, type: 'ssh-ed25519' }]);
  });

  it('decides over several keys and files', async () => {
    const hosts = await load(`db1 ssh-ed25519 ${text(two)}\n`, `db1,db2 ssh-ed25519 ${text(one)}\ndb1 ssh-rsa ${text(rsa)}\n`);
    expect(judge(hosts, { address: 'db1', port: 22 }, one).is).toBe('known');
    expect(judge(hosts, { address: 'db2', port: 22 }, two).is).toBe('changed');
    expect(judge(hosts, { address: 'db3', port: 22 }, two).is).toBe('unknown');
  });

  it('recognises a host on another port by its bare name, but never refuses it for that', async () => {
    const hosts = await load(`db1 ssh-ed25519 ${text(one)}\n`);
    expect(judge(hosts, { address: 'db1', port: 2222 }, one).is).toBe('known');
    expect(judge(hosts, { address: 'db1', port: 2222 }, two).is).toBe('unknown');
  });

  it('gives a revocation precedence', async () => {
    const hosts = await load(`db1 ssh-ed25519 ${text(one)}\n`, `@revoked * ssh-ed25519 ${text(one)}\n`);
    expect(judge(hosts, { address: 'db1', port: 22 }, one).is).toBe('revoked');
    expect(judge(hosts, { address: 'db1', port: 2222 }, one).is).toBe('revoked');
  });

  it('recognises a host by its alias, whatever its address and port', async () => {
    const hosts = await load(`web ssh-ed25519 ${text(one)}\n10.0.0.1 ssh-ed25519 ${text(two)}\n`);
    const endpoint = { address: '10.0.0.1', port: 2222, hostKeyAlias: 'WEB' };
    expect(judge(hosts, endpoint, one)).toMatchObject({ is: 'known', by: { line: 1 } });
    expect(judge(hosts, endpoint, two).is).toBe('changed');
    expect(hostKeyAlgorithms(hosts, endpoint)[0]).toBe('ssh-ed25519');
  });

  it('offers the known types first', async () => {
    const hosts = await load(`db1 ssh-rsa ${text(rsa)}\n`);
    expect(hostKeyAlgorithms(hosts, { address: 'db1', port: 22 }).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
    expect(hostKeyAlgorithms(hosts, { address: 'db2', port: 22 })[0]).toBe('ssh-ed25519');
  });

  it('appends on a new line', async () => {
    const file = join(dir, 'append');
    await writeFile(file, 'no newline');
    await appendHostKey(file, 'db1', one);
    await appendHostKey(file, 'db2', two);
    expect(await readFile(file, 'utf8')).toBe(`no newline\ndb1 ssh-ed25519 ${text(one)}\ndb2 ssh-ed25519 ${text(two)}\n`);
  });
});
