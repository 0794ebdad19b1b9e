import { execFileSync, spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { pgprov, type Finished } from './support/pgprov.js';
import { traces } from './support/traces.js';

const PHRASE = 'lab passphrase';
const PROGRAM = new URL('../../bin/pgprov.js', import.meta.url).pathname;

/** Takes away what the lab's inventories say, so that only OpenSSH's configuration is left. */
const BARE = { user: null, identity_file: null, known_hosts: null };

describe('SSH with common user configurations', () => {
  let cluster: TestCluster;
  let hosts: [LabHost, LabHost, LabHost];
  let locked: string;
  let untouched: string[];

  beforeAll(async () => {
    cluster = await TestCluster.start('itssh', 'debian13', 3);
    hosts = cluster.hosts as [LabHost, LabHost, LabHost];
    const [pg1, pg2, pg3] = hosts;
    const { directory } = cluster;
    locked = join(directory, 'locked');
    await copyFile(pg1.identityFile, locked);
    execFileSync('ssh-keygen', ['-q', '-p', '-N', PHRASE, '-f', locked]);
    await writeFile(join(directory, 'phrase'), `${PHRASE}\n`, { mode: 0o600 });
    await mkdir(join(directory, 'conf.d'));
    await writeFile(
      join(directory, 'ssh_config'),
      `Include ${directory}/conf.d/*.conf

Host db* !dbx
  User admin
  IdentityFile ${directory}/%h-has-none
  IdentityFile ${locked}
  IdentitiesOnly yes
  UserKnownHostsFile ${pg1.knownHostsFile}
  ConnectTimeout 8
`,
    );
    await writeFile(
      join(directory, 'conf.d', '10-hosts.conf'),
      hosts.map(({ address }, index) => `Host db${index + 1}\n  HostName ${address}\n`).join(''),
    );
    // Each is the way to the next: pg3 is reached through pg1 and pg2.
    await writeFile(join(directory, 'conf.d', '20-ways.conf'), 'Host db2\n  ProxyJump db1\nHost db3\n  ProxyJump db2\n');
    untouched = await traces(pg1, pg2, pg3);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const ALIASES = { pg1: 'db1', pg2: 'db2', pg3: 'db3' };

  /** Runs a command of pgprov at a terminal, answering each question with the next answer. */
  function atTerminal(args: readonly string[], answers: readonly string[]): Promise<Finished> {
    const command = [process.execPath, PROGRAM, ...args].join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', SSH_AUTH_SOCK: '' },
    });
    const left = [...answers];
    let all = '';
    let seen = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (!/(?:Passphrase of \S+|password|sudo): $/iu.test(all.slice(seen))) return;
      seen = all.length;
      child.stdin.write(`${left.shift() ?? '\u0003'}\r`);
    });
    return new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal, stdout: all, stderr: '', all: all.replaceAll('\r', '') }));
    });
  }

  describe('with a configuration of patterns, included files and jump hosts', () => {
    it('reaches all hosts, and says how, as which user and with which key', async () => {
      const [pg1, pg2, pg3] = hosts;
      await cluster.write({ ssh: { ...BARE, config: 'ssh_config', key_passphrase: { file: 'phrase' } }, hosts: ALIASES });
      const run = await cluster.run('ping');
      expect(run.all).toContain('✔ all 3 hosts answer');
      expect(run.code).toBe(0);
      const rows = run.stdout.split('\n');
      expect(rows[0]).toMatch(/^host +address +via +as +login via +host key +connect +answer +system +clock$/u);
      const row = (address: string, via: string[]): RegExp =>
        new RegExp(
          String.raw`^pg\d +${address}:22 +${via.map((hop) => `admin@${hop}:22`).join(', ')} *admin → root by sudo +key \S*locked +ssh-ed25519, \S+:\d+ +\d+ ms +\d+ ms +debian 13 \S+ +\S+ s$`,
          'u',
        );
      expect(rows[1]).toMatch(row(pg1.address, []));
      expect(rows[2]).toMatch(row(pg2.address, [pg1.address]));
      expect(rows[3]).toMatch(row(pg3.address, [pg1.address, pg2.address]));
      expect(run.all).not.toContain(PHRASE);
      expect(await traces(...hosts)).toEqual(untouched);
    });

    it('prints JSON as well, also for some hosts only', async () => {
      const run = await cluster.run('ping', '--json', '--host', 'pg3');
      expect(run.code).toBe(0);
      const { hosts: found } = JSON.parse(run.stdout) as { hosts: object[] };
      expect(found).toEqual([
        expect.objectContaining({
          name: 'pg3',
          ok: true,
          user: 'admin',
          become: 'sudo',
          authentication: `key ${locked}`,
          system: expect.stringMatching(/^debian 13/u),
          connectMs: expect.any(Number),
        }),
      ]);
    });

    it('is used by every command, and show gives the origin of each value', async () => {
      const shown = await cluster.run('show', '--host', 'pg3');
      expect(shown.stdout).toMatch(new RegExp(String.raw`^ +ssh\.address +${hosts[2].address} +\S*10-hosts\.conf:6$`, 'mu'));
      expect(shown.stdout).toMatch(/^ +ssh\.jump +\S+ +\S*20-ways\.conf:4$/mu);
      expect(shown.stdout).toMatch(/^ +ssh\.user +admin +\S*ssh_config:4$/mu);
      expect(shown.stdout).toMatch(/^ +ssh\.port +22 +default$/mu);
      expect(shown.stdout).toMatch(/^ +ssh\.key_passphrase +\*\*\* +\S*inventory\.yml:/mu);
      const plan = await cluster.run('plan', '--role', 'base');
      expect(plan.code).toBe(0);
    });

    it('refuses an encrypted key when nobody can be asked for the passphrase', async () => {
      await cluster.write({ ssh: { ...BARE, identity_file: locked, user: 'admin', known_hosts: hosts[0].knownHostsFile } });
      const run = await pgprov('ping', cluster.file, '--host', 'pg1');
      expect(run.code).toBe(3);
      expect(run.all).toMatch(/cannot use the private key \S*locked for admin on pg1: it is protected by a passphrase/u);
      expect(run.all).toMatch(/→ run pgprov at a terminal, .*ssh-add .*ssh\.key_passphrase/u);
    });

    it('asks for its passphrase once at a terminal, before anything is drawn', async () => {
      await cluster.write({ ssh: { ...BARE, config: 'ssh_config' }, hosts: ALIASES });
      const ping = await atTerminal(['ping', cluster.file], ['wrong one', PHRASE]);
      expect(ping.all).toMatch(/^Passphrase of \S*locked: \nThat does not open it\. Passphrase of \S*locked: \npg1\n +address/u);
      expect(ping.code).toBe(0);
      const plan = await atTerminal(['plan', cluster.file, '--role', 'base'], [PHRASE]);
      expect(plan.all.match(/Passphrase/gu)).toHaveLength(1);
      expect(plan.all).not.toContain(PHRASE);
      expect(plan.code).toBe(0);
    });
  });

  describe('with a password for sudo', () => {
    it('asks for it once for all hosts', async () => {
      await cluster.write({ ssh: { user: 'asks' } });
      const run = await atTerminal(['ping', cluster.file, '-K'], ['asks-password']);
      expect(run.all).toMatch(/^Password for sudo: \npg1\n +address/u);
      expect(run.all).toContain('all 3 hosts answer');
      expect(run.all).not.toContain('asks-password');
      expect(run.code).toBe(0);
    });

    it('says that it is required, and that nobody can be asked', async () => {
      const without = await cluster.run('ping');
      expect(without.code).toBe(3);
      expect(without.all).toMatch(/✖ pg1 .*\n +.*sudo asks for a password and none was given\n +→ .*--ask-become-pass/u);
      const nobody = await cluster.run('ping', '--ask-become-pass');
      expect(nobody.code).toBe(2);
      expect(nobody.all).toMatch(/there is no terminal to ask for a password at/u);
    });
  });

  it('reports a host that is down and one whose key has changed, next to a reachable one', async () => {
    const [pg1, pg2, pg3] = hosts;
    const known = (await readFile(pg1.knownHostsFile, 'utf8')).split('\n');
    const foreign = known.find((line) => line.startsWith(`${pg1.address} ssh-ed25519`))?.replace(pg1.address, pg2.address);
    const file = join(cluster.directory, 'known_changed');
    await writeFile(file, [...known.filter((line) => !line.startsWith(`${pg2.address} `)), foreign, ''].join('\n'));
    await cluster.write({ ssh: { known_hosts: file, connect_timeout: 4 } });
    await pg3.disconnect();
    try {
      const run = await cluster.run('ping');
      expect(run.code).toBe(3);
      expect(run.stdout).toMatch(/^pg1 .*admin → root by sudo/mu);
      expect(run.stdout).toMatch(
        /✖ pg2 {2}admin@\S+:22\n.*shows the host key ssh-ed25519 SHA256:\S+, but is known by ssh-ed25519 SHA256:\S+ at \S*known_changed:\d+\n +→ this may be a man in the middle.*ssh-keygen -R/u,
      );
      expect(run.stdout).toMatch(/✖ pg3 {2}admin@\S+:22\n.*(?:no answer on port 22|no route to it)[^\n]*\n +→ check/u);
      expect(run.stdout).toContain('✖ 2 of 3 hosts cannot be used');
      const json = JSON.parse((await cluster.run('ping', '--json', '--host', 'pg2')).stdout) as { hosts: unknown };
      expect(json.hosts).toEqual([
        expect.objectContaining({ name: 'pg2', ok: false, error: expect.objectContaining({ kind: 'ssh/host-key-changed' }) }),
      ]);
    } finally {
      await pg3.connect();
    }
  });

  it('says when a user who is not root is configured to be root already', async () => {
    await cluster.write({ ssh: { become: 'none' } });
    const run = await cluster.run('ping', '--host', 'pg1');
    expect(run.code).toBe(3);
    expect(run.stdout).toMatch(/admin is not root there \(user id \d+\)\n +→ set ssh\.become to sudo or doas/u);
  });
});
