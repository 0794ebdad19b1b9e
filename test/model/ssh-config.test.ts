import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../src/model/index.js';
import { PathResolver } from '../../src/model/paths.js';
import { type ConfiguredHost, SshConfigs } from '../../src/model/ssh-config.js';
import { inventoryDirectory, load, problemsOf, warningsOf } from './inventory-file.js';
import { patience } from '../support/patience.js';

const directory = inventoryDirectory();
const home = (): string => join(directory.path, 'home');

/** Writes files below a home directory of its own; `~` in a text is that home. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(home(), path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text.replaceAll('HOME', home()));
  }
}

beforeEach(() => rm(home(), { recursive: true, force: true }));

function configs(env: NodeJS.ProcessEnv = {}): SshConfigs {
  return new SshConfigs(new PathResolver(directory.path, { HOME: home(), ...env }), { HOME: home(), ...env }, 'me');
}

/** What a lookup gives, without where it stands. */
function values(host: ConfiguredHost): Record<string, unknown> {
  const plain = Object.entries(host).map(([key, found]) => [key, (found as { value: unknown }).value]);
  return JSON.parse(JSON.stringify(Object.fromEntries(plain)).replaceAll(home(), '~')) as Record<string, unknown>;
}

interface Case {
  name: string;
  files: Readonly<Record<string, string>>;
  env?: NodeJS.ProcessEnv;
  asked?: string;
  found: Record<string, unknown>;
}

const CASES: Case[] = [
  {
    name: 'the first value wins, whatever matches better',
    files: { '.ssh/config': 'Host db*\n User a\nHost db1\n User b\n Port 2200\n' },
    found: { user: 'a', port: 2200 },
  },
  { name: 'settings before any Host are for all', files: { '.ssh/config': 'User a\nHost db1\n User b\n' }, found: { user: 'a' } },
  {
    name: 'a negated pattern takes the host out',
    files: { '.ssh/config': 'Host db* !db1\n User a\nHost * !db2\n Port 2200\n' },
    found: { port: 2200 },
  },
  { name: '? stands for one character', files: { '.ssh/config': 'Host db??\n User a\nHost db?\n User b\n' }, found: { user: 'b' } },
  {
    name: 'keywords in any case, with =, quotes and comments',
    files: { '.ssh/config': '# c\n\nhost = "db1"\n\tUSER="a b" # no\n  port=2200\n' },
    found: { user: 'a b', port: 2200 },
  },
  { name: 'lines that end as on Windows', files: { '.ssh/config': 'Host db1\r\n  User a\r\n' }, found: { user: 'a' } },
  { name: '%h in HostName', files: { '.ssh/config': 'Host db?\n HostName %h.example.com\n' }, found: { hostName: 'db1.example.com' } },
  {
    name: 'identity files add up; ~, tokens and variables in them',
    files: {
      '.ssh/config':
        'IdentityFile ~/.ssh/%h-%n_%r_%u_%p\nHost db1\n HostName h\n User r\n Port 1\n IdentityFile %d/${KEYS}/id%%\n IdentitiesOnly yes\n',
    },
    env: { KEYS: 'keys' },
    found: { hostName: 'h', user: 'r', port: 1, identityFiles: ['~/.ssh/h-db1_r_me_1', '~/keys/id%'], identitiesOnly: true },
  },
  {
    name: 'Include: relative to ~/.ssh, patterns in order, inside a Host',
    files: {
      '.ssh/config': 'Host db1\n Include conf.d/*.conf missing ~/other\nUser late\nHost *\n Port 3\n',
      '.ssh/conf.d/20.conf': 'User two\nHost db2\n Port 1\n',
      '.ssh/conf.d/10.conf': 'Host db*\n Port 2\n',
      '.ssh/conf.d/.hidden.conf': 'Port 9\n',
      other: 'HostName other\n',
    },
    found: { user: 'two', port: 2, hostName: 'other' },
  },
  {
    name: 'Include below a Host that is another reaches nobody',
    files: { '.ssh/config': 'Host db2\n Include more\nHost *\n User a\n', '.ssh/more': 'Host *\n Port 2\n' },
    found: { user: 'a' },
  },
  {
    name: 'Match all, host (the name so far) and originalhost',
    files: { '.ssh/config': 'HostName real\nMatch host real\n User a\nMatch !originalhost db*\n Port 1\nMatch all\n Port 2\n' },
    found: { hostName: 'real', user: 'a', port: 2 },
  },
  {
    name: 'ProxyJump before ProxyCommand, and none',
    files: { '.ssh/config': 'ProxyJump a@b:1, c\nProxyCommand nc %h %p\n' },
    found: { jump: ['a@b:1', 'c'] },
  },
  { name: 'ProxyJump none', files: { '.ssh/config': 'ProxyJump none\nHost *\nProxyJump x\n' }, found: { jump: [] } },
  {
    name: 'known hosts: several files, quotes, none',
    files: { '.ssh/config': 'UserKnownHostsFile ~/a "~/b c"\nGlobalKnownHostsFile none\n' },
    found: { knownHosts: ['~/a', '~/b c'] },
  },
  {
    name: 'the usual global file stays',
    files: { '.ssh/config': 'UserKnownHostsFile ~/a\n' },
    found: { knownHosts: ['~/a', '/etc/ssh/ssh_known_hosts'] },
  },
  {
    name: 'the rest',
    files: {
      '.ssh/config':
        'HostKeyAlias x\nConnectTimeout 7\nServerAliveInterval 9\nServerAliveCountMax 4\nIdentityAgent ~/agent\nStrictHostKeyChecking accept-new\nSendEnv LANG\n',
    },
    found: {
      hostKeyAlias: 'x',
      connectTimeout: 7,
      keepaliveInterval: 9,
      keepaliveCount: 4,
      identityAgent: '~/agent',
      hostKeyPolicy: 'accept-new',
    },
  },
  { name: 'IdentityAgent: none', files: { '.ssh/config': 'IdentityAgent none\n' }, found: { identityAgent: '' } },
  {
    name: 'IdentityAgent: a variable',
    files: { '.ssh/config': 'IdentityAgent $SOCK\n' },
    env: { SOCK: '/run/a' },
    found: { identityAgent: '/run/a' },
  },
  { name: 'IdentityAgent: the usual one', files: { '.ssh/config': 'IdentityAgent SSH_AUTH_SOCK\n' }, found: {} },
  { name: 'StrictHostKeyChecking ask is the default', files: { '.ssh/config': 'StrictHostKeyChecking ask\n' }, found: {} },
];

describe('a lookup', () => {
  test.each(CASES)('follows this rule: $name', async ({ files, env, asked = 'db1', found }) => {
    await write(files);
    const all = configs(env);
    expect(values(all.lookUp(asked, ['~/.ssh/config']))).toEqual(found);
    expect(all.problems).toEqual({ errors: [], warnings: [] });
  });

  test('reads each file once, in order', async () => {
    await write({ a: 'User a\n', b: 'User b\nPort 2\n' });
    const all = configs();
    expect(values(all.lookUp('db1', ['~/a', '~/b']))).toEqual({ user: 'a', port: 2 });
    await write({ a: 'User changed\n' });
    expect(values(all.lookUp('db2', ['~/a']))).toEqual({ user: 'a' });
  });

  test('works without any of the usual files', () => {
    expect(values(configs().lookUp('db1', undefined))['user']).toBeUndefined();
  });
});

// OpenSSH itself is asked, with Debian's and Rocky's kind of configuration put together.
describe.skipIf(spawnSync('ssh', ['-V']).status !== 0)('OpenSSH gives the same result', () => {
  const files = {
    '.ssh/config': `Include HOME/.ssh/conf.d/*
Host bastion gate
  HostName %h.example.com
  User jumper
Host db? !db3
  User dba
  IdentityFile HOME/.ssh/id_db
  Include HOME/.ssh/inside
Host *.example.com db3
  Port 2222
Match host real*
  IdentityFile HOME/.ssh/id_real
Host *
  User rest
  Port 22
  IdentityFile HOME/.ssh/id_%h_%r
  UserKnownHostsFile HOME/k1 HOME/k2
  ServerAliveInterval 30
`,
    '.ssh/conf.d/1': 'Host db1\n  HostName real1\n  ProxyJump gate\n',
    '.ssh/conf.d/2': 'Host db2\n  HostName real2\n  IdentitiesOnly yes\n  HostKeyAlias two\n  ConnectTimeout 9\n',
    '.ssh/inside': 'Host db2\n  Port 2022\n',
  };

  test.each(['db1', 'db2', 'db3', 'gate', 'bastion', 'a.example.com', 'other', 'real'])('for %s', async (asked) => {
    await write(files);
    const output = execFileSync('ssh', ['-G', '-F', join(home(), '.ssh/config'), asked], { encoding: 'utf8', stdio: 'pipe' });
    const said = (key: string): string[] =>
      output.split('\n').flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
    const ours = configs().lookUp(asked, ['~/.ssh/config']);
    expect(ours.hostName?.value ?? asked).toBe(said('hostname')[0]);
    expect(ours.user?.value).toBe(said('user')[0]);
    expect(ours.port?.value).toBe(Number(said('port')[0]));
    // ssh -G leaves the tokens as they are.
    const name = ours.hostName?.value ?? asked;
    expect(ours.identityFiles?.value).toEqual(
      said('identityfile').map((file) => file.replace('%h', name).replace('%r', ours.user?.value ?? '')),
    );
    expect(ours.jump?.value ?? []).toEqual(said('proxyjump'));
    expect(ours.knownHosts?.value.slice(0, 2)).toEqual(said('userknownhostsfile')[0]?.split(' '));
    expect(ours.identitiesOnly?.value ?? false).toBe(said('identitiesonly')[0] === 'yes');
    expect(ours.hostKeyAlias?.value).toBe(said('hostkeyalias')[0]);
    expect(ours.keepaliveInterval?.value).toBe(Number(said('serveraliveinterval')[0]));
  });
});

describe('an inventory', () => {
  const env = (): NodeJS.ProcessEnv => ({ HOME: home() });

  async function first(yaml: string, set: string[] = []): Promise<Host> {
    const { hosts } = await load(directory.path, yaml, { env: env(), set });
    return hosts[0] as Host;
  }

  const config = `Host db1
  HostName 192.0.2.7
  User fromconfig
  Port 2200
  IdentityFile ~/.ssh/id_a
  IdentityFile ~/.ssh/id_b
  ProxyJump me@gate,inner:2022
  ConnectTimeout 5
  ServerAliveInterval 0
Host gate
  HostName gate.example.com
  Port 2022
  IdentityFile ~/.ssh/id_gate
  ProxyJump outer
Host inner
  Port 1
  HostKeyAlias inside
  UserKnownHostsFile ~/inner_hosts
`;

  test('takes from the configuration what it does not set itself', async () => {
    await write({ '.ssh/config': config });
    const host = await first('cluster: demo\nhosts: {pg1: db1}\n');
    const file = join(home(), '.ssh/config');
    expect(host.address).toBe('db1');
    expect(host.clusterAddress).toBe('192.0.2.7');
    expect(host.ssh).toMatchObject({
      address: '192.0.2.7',
      user: 'fromconfig',
      port: 2200,
      identities: { files: [join(home(), '.ssh/id_a'), join(home(), '.ssh/id_b')], only: false },
      connectTimeout: 5,
      keepalive: { interval: 0, count: 3 },
      become: { method: 'sudo' },
    });
    expect(host.ssh.jump).toMatchObject([
      { address: 'outer', port: 22 },
      { address: 'gate.example.com', port: 2022, user: 'me', identities: { files: [join(home(), '.ssh/id_gate')], only: false } },
      {
        address: 'inner',
        port: 2022,
        hostKeyAlias: 'inside',
        hostKeys: { policy: 'ask', files: [join(home(), 'inner_hosts'), '/etc/ssh/ssh_known_hosts'] },
      },
    ]);
    expect(host.provenance.get('ssh.port')).toEqual({ kind: 'ssh-config', file, line: 4 });
    expect(host.provenance.get('ssh.address')).toEqual({ kind: 'ssh-config', file, line: 2 });
    expect(host.provenance.get('ssh.keepalive_count')).toEqual({ kind: 'default' });
  });

  test('has precedence where it sets a value, also through --set', async () => {
    await write({ '.ssh/config': config });
    const host = await first(
      'cluster: demo\nssh: {user: admin, port: 22, identity_file: id, jump: [], connect_timeout: 15}\nhosts: {pg1: db1}\n',
      ['ssh.keepalive_interval=8'],
    );
    expect(host.ssh).toMatchObject({
      user: 'admin',
      port: 22,
      identityFile: join(directory.path, 'id'),
      jump: [],
      connectTimeout: 15,
      keepalive: { interval: 8 },
    });
    expect(host.ssh.identities).toBeUndefined();
    expect(host.provenance.get('ssh.port')).toMatchObject({ kind: 'file', line: 2 });
  });

  test('has its own jump hosts looked up too, which also use its key file', async () => {
    await write({ '.ssh/config': config });
    const host = await first('cluster: demo\nssh: {user: admin, identity_file: id, jump: [gate, x]}\nhosts: {pg1: 192.0.2.1}\n');
    const id = join(directory.path, 'id');
    expect(host.ssh.jump).toMatchObject([
      { address: 'outer', user: expect.any(String), identityFile: id },
      { address: 'gate.example.com', port: 2022, user: 'admin', identities: { files: [join(home(), '.ssh/id_gate'), id] } },
      { address: 'x', port: 22, user: 'admin', identityFile: id },
    ]);
  });

  test('may name other files, or none', async () => {
    await write({ '.ssh/config': config, mine: 'Host *\n User mine\n' });
    expect((await first('cluster: demo\nssh: {config: home/mine}\nhosts: {pg1: db1}\n')).ssh).toMatchObject({ user: 'mine', port: 22 });
    expect((await first('cluster: demo\nssh: {config: [home/mine, ~/.ssh/config]}\nhosts: {pg1: db1}\n')).ssh).toMatchObject({
      user: 'mine',
      port: 2200,
    });
    expect((await first('cluster: demo\nssh: {config: false}\nhosts: {pg1: db1}\n')).ssh).toMatchObject({
      port: 22,
      jump: [],
      address: 'db1',
    });
  });

  const errors: { name: string; config: string; says: string[]; yaml?: string }[] = [
    {
      name: 'ProxyCommand',
      config: 'Host db1\n  ProxyCommand nc %h %p\n',
      says: [
        'home/.ssh/config:2:1 ProxyCommand: is not supported, and a host of the inventory needs it',
        '    say ProxyJump, or give the way as ssh.jump in the inventory ([] for none)',
      ],
    },
    { name: 'a ProxyCommand of another host', config: 'Host db2\n  ProxyCommand nc %h %p\n', says: [] },
    {
      name: 'a ProxyCommand that the inventory does without',
      config: 'ProxyCommand nc %h %p\n',
      yaml: 'cluster: demo\nssh: {jump: []}\nhosts: {pg1: db1}\n',
      says: [],
    },
    {
      name: 'a hop',
      config: 'ProxyJump a b\n',
      says: ['home/.ssh/config:1:1 ProxyJump: must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22, not "a b"'],
    },
    {
      name: 'a password of a hop',
      config: 'ProxyJump ann:S3cret@gate:22\n',
      says: ['home/.ssh/config:1:1 ProxyJump: has a password; a hop takes none, but identity_file, its own key files and the agent'],
    },
    {
      name: 'what may be a password of a hop',
      config: 'ProxyJump ann:S3 cret@gate:22\n',
      says: ['home/.ssh/config:1:1 ProxyJump: must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22, not "ann:***@gate:22"'],
    },
    { name: 'a port', config: 'Port ssh\n', says: ['home/.ssh/config:1:1 Port: must be a number from 1 to 65535, not "ssh"'] },
    {
      name: 'a quote',
      config: 'User "a\n',
      says: ['home/.ssh/config:1:1 User: the line cannot be read: it has no value, or a quote that is not closed'],
    },
    {
      name: 'no value',
      config: 'Host\n',
      says: ['home/.ssh/config:1:1 Host: the line cannot be read: it has no value, or a quote that is not closed'],
    },
    { name: 'a token', config: 'IdentityFile %X\n', says: ['home/.ssh/config:1:1 IdentityFile: pgprov does not know what %X stands for'] },
    {
      name: 'a file that includes itself',
      config: 'Include config\n',
      says: ['home/.ssh/config:1:1 Include: goes deeper than 16 files; does a file include itself?'],
    },
    {
      name: 'a file that is not there',
      config: '',
      yaml: 'cluster: demo\nssh: {config: nowhere}\nhosts: {pg1: db1}\n',
      says: ['nowhere ssh.config: there is no such file', '    correct ssh.config in the inventory; `false` reads none'],
    },
    {
      name: 'a password for doas',
      config: '',
      yaml: 'cluster: demo\nssh: {become: doas, become_password: x}\nhosts: {pg1: db1}\n',
      says: [
        'inventory.yml:2:38 ssh.become_password: doas takes its password only from a terminal, where pgprov cannot give it; let its rule say nopass, or use sudo',
      ],
    },
  ];

  test.each(errors)('is refused for $name', async ({ config: text, yaml = 'cluster: demo\nhosts: {pg1: db1, pg2: db1.x}\n', says }) => {
    await write({ '.ssh/config': text });
    expect(await problemsOf(directory.path, yaml, { env: env() })).toEqual(says);
  });

  test('shows a warning with its place for what is ignored or read differently', async () => {
    await write({
      '.ssh/config':
        'StrictHostKeyChecking no\nMatch exec "true"\n  SendEnv X\nMatch user bob\n  Port 1\n  User x\n  Include more\nMatch host 192.0.2.9 exec "vault S3cr3t"\n  Port 3\n',
      '.ssh/more': 'Port 2\nMatch final all\n  Ciphers x\n',
    });
    const yaml = 'cluster: demo\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, pg3: 192.0.2.3}\n';
    const { hosts } = await load(directory.path, yaml, { env: env() });
    expect(hosts[0]?.ssh).toMatchObject({ port: 22, hostKeys: { policy: 'accept-new' } });
    expect(await warningsOf(directory.path, yaml, { env: env() })).toEqual([
      'home/.ssh/config:1:1 StrictHostKeyChecking: `no` is taken for `accept-new`: the key of an unknown host is recorded, a changed one is refused',
      'home/.ssh/config:4:1 Match: the block `Match user …` is passed over: pgprov only knows `Match all`, `host` and `originalhost`\n    write it as a Host block, or put what it says into the inventory',
      'home/.ssh/config:8:1 Match: the block `Match exec …` is passed over: pgprov only knows `Match all`, `host` and `originalhost`\n    write it as a Host block, or put what it says into the inventory',
    ]);
  });

  test('of a hundred hosts loads as quickly with a large configuration', async () => {
    const blocks = Array.from({ length: 500 }, (_, index) => `Host h${index} *.x${index}\n  User u${index}\n  Port ${index + 1}\n`);
    await write({ '.ssh/config': blocks.join('') });
    const hosts = Array.from({ length: 100 }, (_, index) => `h${index}`);
    const all = configs();
    const began = performance.now();
    for (const host of hosts) expect(all.lookUp(host, ['~/.ssh/config']).user?.value).toBe(`u${host.slice(1)}`);
    expect(performance.now() - began).toBeLessThan(patience(1500));
  });
});
