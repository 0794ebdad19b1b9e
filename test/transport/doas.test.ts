import { appendFile, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $, which } from 'zx';

import { explainBecomeFailure } from '../../src/transport/become-failure.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { ExecEnd, Target } from '../../src/transport/transport.js';
import { whyNoAccounts } from './accounts.js';
import { makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

async function whyNot(): Promise<string | undefined> {
  if (which.sync('doas', { nothrow: true }) === null) return 'no doas on this machine (apt-get install opendoas)';
  return (await whyNoAccounts()) ?? whyNoSshd();
}

const reason = await whyNot();
if (reason !== undefined) console.log(`skipped, all of test/transport/doas.test.ts: ${reason}`);

const USERS = ['free', 'asked', 'stranger'];

describe.skipIf(reason !== undefined)('real doas', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let server: Sshd;
  let etc: string;

  beforeAll(async () => {
    keys = await makeKeys();
    // A copy of /etc that only this sshd sees: there is no doas.conf to mount another one over.
    etc = await mkdtemp(join(tmpdir(), 'pgprov-etc-'));
    await chmod(etc, 0o755);
    await $({ quiet: true })`cp -a /etc/. ${etc}`;
    await appendFile(join(etc, 'passwd'), USERS.map((name, index) => `${name}:x:${61_100 + index}:65534::/:/bin/sh\n`).join(''));
    await appendFile(join(etc, 'shadow'), USERS.map((name) => `${name}:*:19000:0:99999:7:::\n`).join(''));
    await writeFile(join(etc, 'doas.conf'), 'permit nopass free as root\npermit asked as root\n', { mode: 0o600 });
    const before = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `mount --bind ${etc} /etc && exec "$@"`, 'sh'];
    await chmod(keys.dir, 0o755);
    server = await Sshd.start(`${keys.key}.pub`, [], ['ed25519'], before);
  });

  afterAll(async () => {
    await server.stop();
    await keys.clean();
    await rm(etc, { recursive: true, force: true });
  });

  async function run(user: string, script: string): Promise<ExecEnd & { stdout: string; target: Target }> {
    const known = join(keys.dir, 'known_hosts');
    await writeFile(known, await server.knownLine());
    const target = targetAt(server.port, {
      user,
      identityFile: keys.key,
      become: { method: 'doas' },
      hostKeys: { policy: 'strict', files: [known] },
    });
    const connection = await new SshTransport({}).connect(target);
    const chunks: Buffer[] = [];
    const exec = await connection.exec({ script, onStdout: (chunk) => chunks.push(chunk) });
    const end = await exec.ended;
    await connection.close();
    return { ...end, stdout: Buffer.concat(chunks).toString(), target };
  }

  it('runs a script as root', async () => {
    const filler = '# filler\n'.repeat(20_000);
    expect(await run('free', `id -u\necho "$HOME"\n${filler}exit 4\n`)).toMatchObject({ code: 4, stderr: '', stdout: '0\n/root\n' });
  });

  it.each([
    ['asked', 'become/password-required', /nopass/u],
    ['stranger', 'become/not-allowed', /permit nopass/u],
  ])('explains why %s does not become root', async (user, kind, hint) => {
    const { target, ...end } = await run(user, 'id -u\n');
    const error = explainBecomeFailure(end, target);
    expect(error).toMatchObject({ kind, exitCode: 3 });
    expect(error?.message).toContain(`cannot become root as ${user} on db1: doas`);
    expect(error?.hint).toMatch(hint);
  });
});
