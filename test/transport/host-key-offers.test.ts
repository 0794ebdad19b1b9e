import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';

import { SshTransport } from '../../src/transport/ssh.js';
import { makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

const reason = await whyNoSshd();
if (reason !== undefined) console.log(`skipped, all of test/transport/host-key-offers.test.ts: ${reason}`);

describe.skipIf(reason !== undefined)('an offer of other host keys', () => {
  it('is ignored, though ssh2 by itself accepts it', async () => {
    const keys = await makeKeys();
    const server = await Sshd.start(`${keys.key}.pub`, ['LogLevel DEBUG1'], ['ed25519', 'ecdsa', 'rsa']);
    const proofs = (): number => server.log.split('hostkeys-prove-00@openssh.com').length - 1;
    try {
      const known = join(keys.dir, 'known');
      await writeFile(known, await server.knownLine());
      const connection = await new SshTransport({ home: '/nonexistent' }).connect(
        targetAt(server.port, { identityFile: keys.key, hostKeys: { policy: 'strict', files: [known] } }),
      );
      const exec = await connection.exec({ script: 'echo one\n', onStdout: () => undefined });
      expect((await exec.ended).code).toBe(0);
      await connection.close();
      expect(proofs()).toBe(0);

      const { user } = targetAt(server.port);
      const plain = new ssh2.Client();
      const proved = new Promise((resolve, reject) => plain.once('hostkeys', resolve).on('error', reject));
      const closed = new Promise<void>((resolve) => plain.once('close', () => resolve()));
      plain.connect({ host: '127.0.0.1', port: server.port, username: user, privateKey: await readFile(keys.key) });
      await proved;
      plain.end();
      await closed;
      expect(proofs()).toBeGreaterThan(0);
    } finally {
      await server.stop();
      await keys.clean();
    }
  });
});
