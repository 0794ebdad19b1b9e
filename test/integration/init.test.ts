import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startCommandLine } from './support/command-line.js';
import { pgprov } from './support/pgprov.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgprov-init-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('pgprov init at a terminal', () => {
  it('asks for what the command line does not give, and again after an invalid answer', async () => {
    const line = startCommandLine(['init', '--cluster', 'orders'], {
      cwd: directory,
      env: { HOME: directory, TERM: 'dumb' },
      terminal: true,
    });
    const answers: [question: RegExp, answer: string][] = [
      [/host 1: $/u, 'p g'],
      [/must be NAME=ADDRESS.*\s+host 1: $/u, 'a=10.0.0.1'],
      [/host 2: $/u, ''],
      [/log in as .*: $/u, 'admin'],
      [/Major version .*\[17\]: $/u, '9'],
      [/13 to 19, not 9\s+Major version .*: $/u, '16'],
      [/Highly available.*\[y\]: $/u, 'n'],
      [/Networks of your clients.*: $/u, '10.1.0.0/16 2001:db8::/32'],
    ];
    for (const [question, answer] of answers) {
      await line.printed(question);
      line.child.stdin?.write(`${answer}\n`);
    }
    const { code, text } = await line.ended;
    expect([code, text]).toEqual([0, expect.stringContaining('Wrote inventory.yml: cluster orders, host a.')]);
    expect(text).not.toContain('Name of the cluster');
    expect(parse(readFileSync(join(directory, 'inventory.yml'), 'utf8'))).toEqual({
      cluster: 'orders',
      roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'],
      ssh: { user: 'admin' },
      hosts: { a: '10.0.0.1' },
      postgresql: { version: 16, hba: ['host all all 10.1.0.0/16 scram-sha-256', 'host all all 2001:db8::/32 scram-sha-256'] },
      firewall: { client_networks: ['10.1.0.0/16', '2001:db8::/32'] },
    });
    expect((await pgprov('validate', join(directory, 'inventory.yml'))).code).toBe(0);
  });

  it.each([
    { how: 'Ctrl-C', key: '\u0003' },
    { how: 'the end of the input', key: '\u0004' },
  ])('writes nothing after $how', async ({ key }) => {
    const line = startCommandLine(['init', 'other.yml'], { cwd: directory, env: { HOME: directory, TERM: 'dumb' }, terminal: true });
    await line.printed(/Name of the cluster \[demo\]: $/u);
    line.child.stdin?.write(key);
    expect((await line.ended).code).toBe(130);
    expect(existsSync(join(directory, 'other.yml'))).toBe(false);
  });
});
