import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { init, type InitOptions } from '../../../src/cli/init/init.js';
import { freshDirectory } from '../../support/directory.js';

const work = freshDirectory();
let printed = '';

beforeEach(() => {
  printed = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const made = async (options: InitOptions): Promise<unknown> => {
  await init(work.at('inventory.yml'), options);
  return parse(readFileSync(work.at('inventory.yml'), 'utf8'));
};

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(work.at(name)), { recursive: true });
    writeFileSync(work.at(name), text);
  }
}

const INI = `[etcd_cluster]
etcd1 ansible_host=10.0.0.21
db[1:2]
[master]
db1 ansible_host=10.0.0.11 ansible_port=2222
[replica]
db2 ansible_host=10.0.0.12
db3 ansible_host=10.0.0.13
[balancers]
lb1
[postgres_cluster:children]
master
replica
[all:vars]
ansible_user=deploy
ansible_password=open5esame
postgresql_version=16
`;

describe('a first inventory', () => {
  it('is made from the options of the command line', async () => {
    expect(await made({ cluster: 'x', host: ['a=10.0.0.1', 'b=10.0.0.2', '10.0.0.3'], user: 'admin', clients: ['10.1.0.0/16'] })).toEqual({
      cluster: 'x',
      ssh: { user: 'admin' },
      hosts: { a: '10.0.0.1', b: '10.0.0.2', pg3: '10.0.0.3' },
      postgresql: { version: 17, hba: ['host all all 10.1.0.0/16 scram-sha-256'] },
      firewall: { client_networks: ['10.1.0.0/16'] },
    });
    expect(printed).toContain('pgprov apply');
  });

  it('can be that of a single server', async () => {
    expect(await made({ host: ['10.0.0.1'], standalone: true, postgresql: 16 })).toMatchObject({
      roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'],
      postgresql: { version: 16 },
    });
  });

  it('comments every key, also those that it does not set', async () => {
    await made({ host: ['10.0.0.1'], yes: true });
    const text = readFileSync(work.at('inventory.yml'), 'utf8');
    expect(text).toMatch(/# roles: \[base, .*\]\n/u);
    expect(text).toMatch(/^ {2}# identity_file: .* # private key/mu);
  });

  it('never overwrites a file', async () => {
    write({ 'inventory.yml': 'mine\n' });
    await expect(made({ host: ['10.0.0.1'] })).rejects.toMatchObject({ kind: 'init/exists', exitCode: 2 });
    expect(readFileSync(work.at('inventory.yml'), 'utf8')).toBe('mine\n');
  });

  it.each<{ options: InitOptions; kind: string; message: RegExp }>([
    { options: {}, kind: 'init/no-hosts', message: /no hosts are given/u },
    { options: { host: ['a b'] }, kind: 'init/host', message: /^--host a b: must be NAME=ADDRESS/u },
    { options: { host: ['pg1=1.2.3'] }, kind: 'init/unfit', message: /hosts\.pg1\.address: is not an IPv4 address/u },
    {
      options: { host: ['pg1=10.0.0.1'], postgresql: 9 },
      kind: 'init/unfit',
      message: /postgresql\.version: must be an integer from 13 to 18, not 9/u,
    },
    { options: { host: ['pg1=10.0.0.1'], group: ['db'] }, kind: 'init/group', message: /--from-ansible FILE, which is missing/u },
    { options: { host: ['pg1=10.0.0.1'], fromAnsible: 'x' }, kind: 'init/hosts', message: /give one of them/u },
  ])('is refused: $message', async ({ options, kind, message }) => {
    await expect(made(options)).rejects.toMatchObject({ kind, exitCode: 2, message: expect.stringMatching(message) as string });
    expect(readdirSync(work.path)).toEqual([]);
  });
});

describe('a first inventory from Ansible', () => {
  it('has hosts, roles and connection settings, and says what is missing', async () => {
    write({
      'hosts.ini': INI,
      'group_vars/all.yml': 'patroni_scope: Orders\nvip: 1\n',
      'host_vars/db3.yml': 'ansible_user: root\n',
      'group_vars/replica.yml': '$ANSIBLE_VAULT;1.1;AES256\n',
    });
    expect(await made({ fromAnsible: work.at('hosts.ini') })).toEqual({
      cluster: 'orders',
      leader: 'db1',
      hosts: {
        etcd1: { address: '10.0.0.21', roles: ['base', 'firewall', 'pgdg', 'etcd'], ssh: { user: 'deploy' } },
        db1: { address: '10.0.0.11', ssh: { user: 'deploy', port: 2222 } },
        db2: { address: '10.0.0.12', ssh: { user: 'deploy' } },
        db3: { address: '10.0.0.13', roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'patroni'], ssh: { user: 'root' } },
      },
      groups: {
        etcd_cluster: { hosts: ['etcd1', 'db1', 'db2'] },
        master: { hosts: ['db1'] },
        replica: { hosts: ['db2', 'db3'] },
        postgres_cluster: { hosts: ['db1', 'db2', 'db3'] },
      },
      postgresql: { version: 16 },
    });
    const notes = printed
      .split('\n')
      .filter((line) => line.startsWith('  ') && !line.startsWith('  pgprov'))
      .map((line) => line.trim().replaceAll(`${work.path}/`, ''));
    expect(notes).toEqual([
      'group_vars/replica.yml: encrypted with Ansible Vault, nothing of it was taken',
      'lb1: in no group of PostgreSQL or etcd, left out; --group NAMES says which groups to take',
      'hosts.ini:16: ansible_password: a secret, never copied; give ssh.password as {env: NAME}, or say --ask-pass',
      'group_vars/all.yml: variables of your playbooks, which mean nothing here: vip',
    ]);
    expect(printed + readFileSync(work.at('inventory.yml'), 'utf8')).not.toContain('open5esame');
  });

  it('can be made from YAML, with the groups that are named', async () => {
    write({
      'hosts.yml':
        'all:\n  vars: {ansible_user: admin}\n  children:\n    db: {hosts: {"pg[1:3]": {ansible_ssh_private_key_file: keys/id}}}\n    web: {hosts: {w1: }}\n',
    });
    expect(await made({ fromAnsible: work.at('hosts.yml'), group: ['db'], cluster: 'y' })).toMatchObject({
      cluster: 'y',
      ssh: { user: 'admin', identity_file: expect.stringMatching(/keys\/id$/u) as string },
      hosts: { pg1: 'pg1', pg2: 'pg2', pg3: 'pg3' },
      groups: { db: { hosts: ['pg1', 'pg2', 'pg3'] } },
    });
  });

  it.each<{ text: string; kind: string; options?: InitOptions }>([
    { text: 'plugin: aws_ec2\n', kind: 'ansible/dynamic' },
    { text: '#!/bin/sh\n', kind: 'ansible/dynamic' },
    { text: '$ANSIBLE_VAULT;1.1;AES256\n', kind: 'ansible/vault' },
    { text: 'a: [\n', kind: 'ansible/yaml' },
    { text: '[]\n', kind: 'ansible/yaml' },
    { text: 'all: {}\n', kind: 'ansible/no-hosts' },
    { text: 'all: {hosts: {a: }}\n', kind: 'ansible/no-group', options: { group: ['b'] } },
  ])('is refused: $kind of $text', async ({ text, kind, options = {} }) => {
    write({ 'hosts.yml': text });
    await expect(made({ ...options, fromAnsible: work.at('hosts.yml') })).rejects.toMatchObject({ kind, exitCode: 2 });
  });
});
