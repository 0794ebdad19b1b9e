import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';

import { SshTransport } from '../../src/transport/ssh.js';
import { makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

const reason = await whyNoSshd();
if (reason !== undefined) console.log(`skipped, all of test/transport/sign-at-once.test.ts: ${reason}`);

const quiet = $({ quiet: true });

describe.skipIf(reason !== undefined)('a key file', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let authorized: string;

  beforeAll(async () => {
    keys = await makeKeys();
    for (const type of ['ecdsa', 'rsa']) await quiet`ssh-keygen -q -t ${type} -N ${''} -f ${join(keys.dir, type)}`;
    authorized = join(keys.dir, 'authorized');
    const halves = await Promise.all(['good', 'ecdsa', 'rsa'].map((name) => readFile(join(keys.dir, `${name}.pub`), 'utf8')));
    await writeFile(authorized, halves.join(''));
  });

  afterAll(() => keys.clean());

  /** Logs in, or tries to, and gives what sshd logged of it. */
  async function logOf(...files: readonly string[]): Promise<string> {
    const server = await Sshd.start(authorized, ['LogLevel VERBOSE']);
    try {
      const known = join(keys.dir, `known-${server.port}`);
      await writeFile(known, await server.knownLine());
      const target = targetAt(server.port, { hostKeys: { policy: 'strict', files: [known] }, identities: { files, only: true } });
      const connection = await new SshTransport({ home: '/nonexistent' }).connect(target).catch(() => undefined);
      await connection?.close();
      while (!/Connection closed|Disconnected|Received disconnect/u.test(server.log))
        await new Promise((resolve) => setTimeout(resolve, 20));
      return server.log;
    } finally {
      await server.stop();
    }
  }

  it.each([
    ['good', 'ED25519'],
    ['ecdsa', 'ECDSA'],
    ['rsa', 'RSA'],
  ])('%s: logs in without asking first whether the key would be accepted', async (name, type) => {
    const log = await logOf(join(keys.dir, name));
    expect(log).toMatch(new RegExp(`Accepted publickey for .* ${type} `, 'u'));
    expect(log).not.toContain('Postponed publickey');
  });

  it('unknown to the server is followed by the next', async () => {
    const log = await logOf(keys.wrongKey, join(keys.dir, 'rsa'));
    expect(log).toContain('Failed publickey');
    expect(log).toMatch(/Accepted publickey for .* RSA /u);
  });

  it('of an agent is announced first, since a signature may have to be confirmed', async () => {
    const socket = join(keys.dir, 'agent');
    const agent = $({ quiet: true, nothrow: true })`ssh-agent -D -a ${socket}`;
    const server = await Sshd.start(authorized, ['LogLevel VERBOSE']);
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      while ((await $({ quiet: true, nothrow: true, env })`ssh-add -q ${keys.key}`).exitCode !== 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const known = join(keys.dir, 'known-agent');
      await writeFile(known, await server.knownLine());
      const target = targetAt(server.port, { hostKeys: { policy: 'strict', files: [known] } });
      await (await new SshTransport({ home: '/nonexistent', agentSocket: socket }).connect(target)).close();
      expect(server.log).toContain('Postponed publickey');
    } finally {
      await server.stop();
      await agent.kill();
    }
  });
});
