import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $, type ProcessPromise } from 'zx';

import type { PgprovError } from '../../src/lib/errors.js';
import { Secret } from '../../src/lib/secret.js';
import type { KeySources } from '../../src/transport/login.js';
import { askForPassphrases } from '../../src/transport/passphrases.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { ConnectionFacts, Target } from '../../src/transport/transport.js';
import { hopAt, makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

const reason = await whyNoSshd();
if (reason !== undefined) console.log(`skipped, all of test/transport/keys.programs.test.ts: ${reason}`);

const quiet = $({ quiet: true });
const PHRASE = 'open sesame';

describe.skipIf(reason !== undefined)('keys', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let server: Sshd;
  let known: string;
  let socket: string;
  let agent: ProcessPromise;

  beforeAll(async () => {
    keys = await makeKeys();
    // An encrypted key whose public half is nowhere but inside it, and one of the old format.
    await copyFile(keys.lockedKey, join(keys.dir, 'bare'));
    await quiet`ssh-keygen -q -t rsa -b 2048 -m PEM -N ${PHRASE} -f ${join(keys.dir, 'pem')}`;
    const authorized = join(keys.dir, 'authorized');
    const halves = await Promise.all(
      [`${keys.key}.pub`, `${keys.lockedKey}.pub`, join(keys.dir, 'pem.pub')].map((file) => readFile(file, 'utf8')),
    );
    await writeFile(authorized, halves.join(''));
    server = await Sshd.start(authorized);
    known = join(keys.dir, 'known');
    await writeFile(known, await server.knownLine());
    socket = join(keys.dir, 'agent');
    agent = $({ quiet: true, nothrow: true })`ssh-agent -D -a ${socket}`;
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  afterAll(async () => {
    await agent.kill();
    await agent;
    await server.stop();
    await keys.clean();
  });

  async function fill(...files: string[]): Promise<void> {
    const add = $({ quiet: true, env: { ...process.env, SSH_AUTH_SOCK: socket } });
    await add`ssh-add -q -D`;
    for (const file of files) await add`ssh-add -q ${file}`;
  }

  function target(more: Partial<Target> = {}): Target {
    return targetAt(server.port, { hostKeys: { policy: 'strict', files: [known] }, ...more });
  }

  async function facts(to: Target, sources: KeySources = {}): Promise<ConnectionFacts | undefined> {
    const connection = await new SshTransport({ home: '/nonexistent', ...sources }).connect(to);
    await connection.close();
    return connection.facts;
  }

  async function failure(to: Target, sources: KeySources = {}): Promise<PgprovError> {
    return facts(to, sources).then(
      () => expect.unreachable('it connected'),
      (error: PgprovError) => error,
    );
  }

  it('are reported, with where the host key is known from', async () => {
    const found = await facts(target({ identityFile: keys.key }));
    expect(found).toMatchObject({ authentication: `key ${keys.key}`, hostKey: { type: 'ssh-ed25519', file: known, line: 1 } });
    expect(found?.hostKey.fingerprint).toMatch(/^SHA256:/u);
    const fresh = join(keys.dir, 'fresh');
    const recorded = await facts(target({ identityFile: keys.key, hostKeys: { policy: 'accept-new', files: [fresh] } }));
    expect(recorded?.hostKey).toEqual({ type: 'ssh-ed25519', fingerprint: found?.hostKey.fingerprint, file: fresh });
  });

  describe('that are encrypted', () => {
    it.each(['locked', 'bare', 'pem'])('%s: open with the passphrase from the inventory', async (name) => {
      const identityFile = join(keys.dir, name);
      expect(await facts(target({ identityFile, keyPassphrase: new Secret(PHRASE) }))).toMatchObject({
        authentication: `key ${identityFile}`,
      });
    });

    it('are refused with another passphrase, and without any', async () => {
      const wrong = await failure(target({ identityFile: keys.lockedKey, keyPassphrase: new Secret('wrong one') }));
      expect(wrong).toMatchObject({ kind: 'ssh/identity-file', exitCode: 3 });
      expect(wrong.message).toContain(`${keys.lockedKey} for`);
      expect(wrong.message).toContain('the passphrase does not open it');
      expect(wrong.message).not.toContain('wrong one');
      const none = await failure(target({ identityFile: keys.lockedKey }));
      expect(none.message).toContain('it is protected by a passphrase');
      expect(none.hint).toMatch(/terminal.*ssh-add .*locked.*ssh\.key_passphrase/u);
    });

    it('are asked for once per key, before any connection', async () => {
      const questions: string[] = [];
      const answers = ['typo', PHRASE, PHRASE];
      const targets = [
        ...Array.from({ length: 5 }, (_, index) => target({ name: `db${index}`, identityFile: keys.lockedKey })),
        target({ identityFile: keys.key, jump: [hopAt(server.port, join(keys.dir, 'pem'))] }),
      ];
      const sources = await askForPassphrases(targets, { home: '/nonexistent' }, async (question) => {
        questions.push(question);
        return answers.shift();
      });
      expect(questions).toEqual([
        `Passphrase of ${keys.lockedKey}: `,
        `That does not open it. Passphrase of ${keys.lockedKey}: `,
        `Passphrase of ${join(keys.dir, 'pem')}: `,
      ]);
      for (const to of targets) await facts(to, sources);
      const again = await askForPassphrases(targets, sources, () => expect.unreachable('asked again'));
      expect(again.passphrases?.size).toBe(2);
    });

    it('are not asked for when the agent has them, which is then used', async () => {
      await fill(keys.key);
      // ssh-add reads a passphrase from a program when there is no terminal.
      const program = join(keys.dir, 'say');
      await writeFile(program, `#!/bin/sh\necho '${PHRASE}'\n`, { mode: 0o700 });
      const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'x' };
      await $({ quiet: true, env })`ssh-add -q ${keys.lockedKey}`;
      const to = target({ identityFile: join(keys.dir, 'bare') });
      const sources = await askForPassphrases([to], { agentSocket: socket, home: '/nonexistent' }, () => expect.unreachable('asked'));
      expect((await facts(to, sources))?.authentication).toMatch(/^agent ssh-ed25519 SHA256:\S+$/u);
      // A public key file stands for what the agent holds, as with OpenSSH.
      expect((await facts(target({ identityFile: `${keys.lockedKey}.pub` }), sources))?.authentication).toMatch(/^agent /u);
    });

    it('of the usual names are asked for only when there is nothing else', async () => {
      const home = join(keys.dir, 'home');
      await mkdir(join(home, '.ssh'), { recursive: true });
      await copyFile(keys.lockedKey, join(home, '.ssh', 'id_ed25519'));
      const asked: string[] = [];
      const ask = async (question: string): Promise<string> => {
        asked.push(question);
        return PHRASE;
      };
      await askForPassphrases([target({ password: new Secret('x-x-x-x') })], { home }, ask);
      await fill(keys.wrongKey);
      await askForPassphrases([target()], { home, agentSocket: socket }, ask);
      expect(asked).toEqual([]);
      const sources = await askForPassphrases([target()], { home }, ask);
      expect(asked).toEqual(['Passphrase of ~/.ssh/id_ed25519: ']);
      expect((await facts(target(), sources))?.authentication).toBe('key ~/.ssh/id_ed25519');
    });
  });

  describe('of OpenSSH’s configuration', () => {
    const both = (only: boolean): Target => target({ identities: { files: [join(keys.dir, 'nowhere'), keys.key], only } });

    it('may be missing, and the agent comes first', async () => {
      await fill(keys.wrongKey, keys.key);
      expect((await facts(both(false), { agentSocket: socket }))?.authentication).toMatch(/^agent ssh-ed25519/u);
      expect((await facts(both(false)))?.authentication).toBe(`key ${keys.key}`);
    });

    it('are tried before other keys of the agent, because a server accepts only so many', async () => {
      const many = await Promise.all(
        Array.from({ length: 7 }, async (_, index) => {
          const file = join(keys.dir, `many${index}`);
          await quiet`ssh-keygen -q -t ed25519 -N ${''} -f ${file}`;
          return file;
        }),
      );
      await fill(...many, keys.key);
      expect((await facts(both(false), { agentSocket: socket }))?.authentication).toMatch(/^agent ssh-ed25519/u);
      expect((await facts(both(true), { agentSocket: socket }))?.authentication).toBe(`key ${keys.key}`);
      const { message } = await failure(target(), { agentSocket: socket });
      expect(message).toContain('agent (');
    });

    it('are the only ones when IdentitiesOnly says so', async () => {
      await fill(keys.key);
      const error = await failure(target({ identities: { files: [keys.wrongKey], only: true } }), { agentSocket: socket });
      expect(error.message).toContain(`tried key ${keys.wrongKey};`);
    });

    it('come from another agent, or none', async () => {
      await fill(keys.key);
      expect((await facts(target({ agent: socket })))?.authentication).toMatch(/^agent /u);
      expect((await failure(target({ agent: '' }), { agentSocket: socket })).message).toContain('no key or password');
    });
  });
});
