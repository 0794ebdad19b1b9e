import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAboutHostKeys } from '../../src/cli/host-key-question.js';
import type { Host } from '../../src/model/index.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { Target } from '../../src/transport/transport.js';
import { findStrangers, recordKeys } from '../../src/transport/unknown-keys.js';
import { inventoryOf } from '../support/inventory.js';
import { hopAt, makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';

const reason = await whyNoSshd();
if (reason !== undefined) console.log(`skipped, all of test/transport/unknown-keys.test.ts: ${reason}`);

const transport = new SshTransport({ agentSocket: undefined, home: '/nonexistent' });

describe.skipIf(reason !== undefined)('keys of hosts that are not known', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let [server, other]: Sshd[] = [];
  let file: string;
  let count = 0;

  const at = (name: string, sshd: Sshd | undefined, more: Partial<Target> = {}): Target =>
    targetAt(sshd?.port ?? 0, { name, identityFile: keys.key, hostKeys: { policy: 'ask', files: [file] }, ...more });
  const known = (text: string): Promise<void> => writeFile(file, text);
  const names = async (...targets: Target[]): Promise<string[]> => (await findStrangers(targets, transport)).map(({ host }) => host);

  beforeAll(async () => {
    keys = await makeKeys();
    [server, other] = await Promise.all([Sshd.start(`${keys.key}.pub`), Sshd.start(`${keys.key}.pub`)]);
  });
  afterAll(async () => {
    await Promise.all([server?.stop(), other?.stop()]);
    await keys.clean();
  });
  const fresh = (): void => void (file = join(keys.dir, `known_${(count += 1)}`));

  it('are found with their fingerprints, and once recorded they are known', async () => {
    fresh();
    const targets = [at('db1', server), at('db2', other), at('db3', server)];
    const strangers = await findStrangers(targets, transport);
    expect(strangers.map(({ host, name, type, file: into }) => [host, name, type, into])).toEqual([
      ['db1', `[127.0.0.1]:${server?.port}`, 'ssh-ed25519', file],
      ['db2', `[127.0.0.1]:${other?.port}`, 'ssh-ed25519', file],
    ]);
    expect(strangers[0]?.fingerprint).toMatch(/^SHA256:[\w+/]{43}$/u);
    await recordKeys(strangers);
    expect(await readFile(file, 'utf8')).toBe(`${await server?.knownLine()}${await other?.knownLine()}`);
    expect(await names(...targets)).toEqual([]);
    await (await transport.connect(at('db1', server))).close();
  });

  it('are not asked about where the policy is another one', async () => {
    fresh();
    expect(await names(at('db1', server, { hostKeys: { policy: 'strict', files: [file] } }))).toEqual([]);
    expect(await names(at('db1', server, { hostKeys: { policy: 'accept-new', files: [file] } }))).toEqual([]);
  });

  it('are never those that have changed or are revoked', async () => {
    fresh();
    await known(`[127.0.0.1]:${server?.port} ${await other?.hostKey()}\n@revoked [127.0.0.1]:${other?.port} ${await other?.hostKey()}\n`);
    expect(await names(at('db1', server), at('db2', other))).toEqual([]);
  });

  it('are not asked about where the host cannot be reached, which the run says', async () => {
    fresh();
    expect(await names(at('db1', undefined, { port: 1 }))).toEqual([]);
  });

  it('are those of jump hosts first, and then of what is behind them', async () => {
    fresh();
    const target = at('db1', other, { jump: [hopAt(server?.port ?? 0, keys.key)] });
    const first = await findStrangers([target], transport);
    expect(first.map(({ name, isJumpHost }) => [name, isJumpHost])).toEqual([[`[127.0.0.1]:${server?.port}`, true]]);
    await recordKeys(first);
    expect((await findStrangers([target], transport)).map(({ host, isJumpHost }) => [host, isJumpHost])).toEqual([['db1', false]]);
  });

  describe('are shown in one block and asked about once', () => {
    async function hosts(): Promise<readonly Host[]> {
      const lines = [server, other].map(
        (sshd, index) => `  pg${index + 1}: {address: 127.0.0.1, cluster_address: 10.0.0.${index + 1}, ssh: {port: ${sshd?.port}}}`,
      );
      const yaml = `cluster: demo\nssh: {config: false, identity_file: ${keys.key}, known_hosts: ${file}}\nhosts:\n${lines.join('\n')}\n`;
      return (await inventoryOf(yaml)).hosts;
    }

    async function ask(answer: boolean): Promise<{ shown: string; asked: string[]; error: unknown }> {
      let shown = '';
      const asked: string[] = [];
      const error: unknown = await askAboutHostKeys(await hosts(), transport, {
        color: false,
        columns: 120,
        show: (text) => (shown += text),
        confirm: async (question) => {
          asked.push(question);
          return answer;
        },
      }).catch((thrown: unknown) => thrown);
      return { shown, asked, error };
    }

    it('and recorded after a yes', async () => {
      fresh();
      const { shown, asked, error } = await ask(true);
      expect(error).toBeUndefined();
      expect(shown).toMatch(/^2 hosts show keys.*\n\nhost .*fingerprint\npg1 .*SHA256:.*\npg2 .*SHA256:/u);
      expect(asked).toEqual([`Are these 2 keys right, and to be written to ${file}?`]);
      expect(await readFile(file, 'utf8')).toBe(`${await server?.knownLine()}${await other?.knownLine()}`);
      expect(await ask(true)).toEqual({ shown: '', asked: [], error: undefined });
    });

    it('and nothing is recorded after a no', async () => {
      fresh();
      await known('');
      const { asked, error } = await ask(false);
      expect(asked).toHaveLength(1);
      expect(error).toMatchObject({ kind: 'ssh/host-keys-declined', exitCode: 130, message: 'the host keys were not accepted: pg1, pg2' });
      expect(await readFile(file, 'utf8')).toBe('');
    });
  });
});
