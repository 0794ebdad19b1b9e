import { describe, expect, it, vi } from 'vitest';
import { openssl } from '../../src/store/openssl.js';
import { isThere } from '../support/shells.js';

describe.skipIf(!isThere('openssl'))('openssl', () => {
  it('returns the output, also for input', async () => {
    const key = await openssl('genpkey', { algorithm: 'EC', pkeyopt: 'ec_paramgen_curve:P-256' });
    expect(key.toString()).toMatch(/^-----BEGIN PRIVATE KEY-----/u);
    const pub = await openssl('pkey', { pubout: true }, key);
    expect(pub.toString()).toMatch(/^-----BEGIN PUBLIC KEY-----/u);
  });

  it('fails with openssl’s own message', async () => {
    await expect(openssl('x509', { noout: true }, Buffer.from('junk'))).rejects.toMatchObject({
      kind: 'openssl/failed',
      message: expect.stringMatching(/^openssl x509 failed: .+/u) as string,
    });
    await expect(openssl('frobnicate', {})).rejects.toMatchObject({ kind: 'openssl/failed' });
  });
});

describe('a machine without openssl', () => {
  it('is reported with what is missing', async () => {
    vi.stubEnv('PATH', '/nowhere');
    try {
      await expect(openssl('version', {})).rejects.toMatchObject({
        kind: 'openssl/missing',
        hint: expect.stringContaining('install') as string,
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
