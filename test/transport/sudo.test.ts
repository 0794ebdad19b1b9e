import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { which } from 'zx';

import { Secret } from '../../src/lib/secret.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { Become } from '../../src/transport/transport.js';
import { makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

async function whyNoSudo(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root, and only root may use sudo everywhere without being asked';
  if (which.sync('sudo', { nothrow: true }) === null) return 'no sudo on this machine';
  return whyNoSshd();
}

const reason = await whyNoSudo();
if (reason !== undefined) console.log(`skipped, all of test/transport/sudo.test.ts: ${reason}`);

// Wrong passwords and forbidden users need accounts, which the integration tests have in their lab.
describe.skipIf(reason !== undefined)('real sudo that does not ask', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let server: Sshd;

  beforeAll(async () => {
    keys = await makeKeys();
    server = await Sshd.start(`${keys.key}.pub`);
  });

  afterAll(async () => {
    await server.stop();
    await keys.clean();
  });

  it.each<[string, Become]>([
    ['without a password', { method: 'sudo' }],
    [
      'with a password that sudo does not ask for, which is not run as a command',
      { method: 'sudo', password: new Secret('echo pwned; exit 66') },
    ],
  ])('%s', async (_title, become) => {
    const known = join(keys.dir, 'known_hosts');
    await writeFile(known, await server.knownLine());
    const target = targetAt(server.port, {
      identityFile: keys.key,
      become,
      hostKeys: { policy: 'strict', files: [known] },
    });
    const connection = await new SshTransport().connect(target);
    const chunks: Buffer[] = [];
    const script = `id -u\necho "$HOME"\n${'# filler\n'.repeat(20_000)}exit 4\n`;
    const exec = await connection.exec({ script, onStdout: (chunk) => chunks.push(chunk) });
    expect(await exec.ended).toMatchObject({ code: 4, stderr: '' });
    expect(Buffer.concat(chunks).toString()).toBe('0\n/root\n');
    await connection.close();
  });
});
