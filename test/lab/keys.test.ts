import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { patience } from '../support/patience.js';

const tools = ['gpg --version', 'openssl version', 'ssh-keygen -?'].every((command) => {
  const [file = '', ...args] = command.split(' ');
  return spawnSync(file, args).error === undefined;
});

describe.runIf(tools)('the keys of the lab', () => {
  let folder: string;
  let keys: typeof import('./keys.js');
  const file = (name: string): string => join(folder, 'keys', name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-keys-'));
    vi.stubEnv('PGPROV_LAB_DIR', folder);
    vi.resetModules();
    keys = await import('./keys.js');
    await keys.ensureKeys();
  }, patience(60_000));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  it('are made when missing, and kept', async () => {
    const before = await contents();
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['id_ed25519', 'ca.crt', 'server.crt', 'pgdg.secret', 'rocky.asc', 'stranger.fingerprint']),
    );
    await keys.ensureKeys();
    expect(await contents()).toEqual(before);
  });

  it('of an older lab are completed, and the old ones kept', async () => {
    const before = await contents();
    for (const name of ['rocky.secret', 'rocky.asc', 'rocky.fingerprint']) await rm(file(name));
    await keys.ensureKeys();
    const { 'rocky.secret': _secret, 'rocky.asc': _armored, 'rocky.fingerprint': _fingerprint, ...others } = await contents();
    expect(before).toMatchObject(others);
    expect((await keys.publicKey('rocky')).fingerprint).toMatch(/^[0-9A-F]{40}$/u);
  });

  it('give the mirror a certificate with all of its names', async () => {
    const [authority, server] = [
      new X509Certificate(await readFile(file('ca.crt'))),
      new X509Certificate(await readFile(file('server.crt'))),
    ];
    expect(server.checkIssued(authority)).toBe(true);
    expect(server.subjectAltName).toContain('DNS:download.postgresql.org');
  });

  it('give the mirror a new certificate when one of its names is missing', async () => {
    const { run } = await import('./process.js');
    const lacking = ['-subj', '/CN=old', '-addext', 'subjectAltName=DNS:apt.postgresql.org'];
    const signer = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-key', file('server.key')];
    await run`openssl req -x509 -days 1 ${signer} -out ${file('server.crt')} ${lacking}`;
    const authority = await readFile(file('ca.crt'), 'utf8');
    await keys.ensureKeys();
    expect(new X509Certificate(await readFile(file('server.crt'))).subjectAltName).toContain('DNS:download.postgresql.org');
    expect(await readFile(file('ca.crt'), 'utf8')).toBe(authority);
  });

  async function contents(): Promise<Record<string, string>> {
    const names = await readdir(join(folder, 'keys'));
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(file(name), 'utf8')] as const)));
  }
});
