import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { InitOptions } from '../../../src/cli/init/init.js';
import { initWorkplace } from './workplace.js';

const work = initWorkplace();

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

describe('a first inventory from Ansible', () => {
  it('has hosts, roles and the way in, and tells what it has not', async () => {
    work.write({
      'hosts.ini': INI,
      'group_vars/all.yml': 'patroni_scope: Orders\nvip: 1\n',
      'host_vars/db3.yml': 'ansible_user: root\n',
      'group_vars/replica.yml': '$ANSIBLE_VAULT;1.1;AES256\n',
    });
    expect(await work.made({ fromAnsible: work.at('hosts.ini') })).toEqual({
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
    expect(work.notes).toEqual([
      'group_vars/replica.yml: encrypted with Ansible Vault, nothing of it was taken',
      'lb1 (balancers): in no group of PostgreSQL or etcd, left out; --group NAMES says which groups to take',
      'hosts.ini:16: ansible_password: a secret, never copied; give ssh.password as {env: NAME}, or say --ask-pass',
      'group_vars/all.yml: variables of your playbooks, which are not read (docs/coming-from.md has what stands for them): vip',
    ]);
    expect(work.printed + readFileSync(work.at('inventory.yml'), 'utf8')).not.toContain('open5esame');
  });

  it('tells no name of a variable that is a line of a key', async () => {
    work.write({ 'hosts.ini': '[postgres]\npg1\n[postgres:vars]\nvip=1\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmVvcGVuNWVzYW1l=\n' });
    await work.made({ fromAnsible: work.at('hosts.ini') });
    expect(work.notes).toContainEqual(expect.stringMatching(/stands for them\): vip, one whose name is none, and is not shown$/u));
    expect(work.printed).not.toContain('b3Blbn');
  });

  it('is made of YAML, of the groups that are named', async () => {
    work.write({
      'hosts.yml':
        'all:\n  vars: {ansible_user: admin}\n  children:\n    db: {hosts: {"pg[1:3]": {ansible_ssh_private_key_file: keys/id}}}\n    web: {hosts: {w1: }}\n',
    });
    expect(await work.made({ fromAnsible: work.at('hosts.yml'), group: ['db'], cluster: 'y' })).toMatchObject({
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
    work.write({ 'hosts.yml': text });
    await expect(work.made({ ...options, fromAnsible: work.at('hosts.yml') })).rejects.toMatchObject({ kind, exitCode: 2 });
  });
});

const roles = (...more: string[]): string[] => ['base', 'firewall', 'pgdg', ...more];
const WITHOUT_STORE = roles('postgresql', 'replication', 'patroni');
const ONLY_STORE = roles('etcd');

/** Hosts and roles as Autobase lists them, by private address. */
const AUTOBASE = `[etcd_cluster]  # recommendation: 3
10.0.0.1 ansible_host=203.0.113.1 # pgnode01
10.0.0.9 ansible_host=203.0.113.9
[balancers]
10.0.0.1
10.0.0.5 ansible_host=203.0.113.5
[consul_instances]
[master]
10.0.0.1 ansible_host=203.0.113.1 hostname=pgnode01 postgresql_exists=false # patroni_tags="datacenter=dc1"
[replica]
10.0.0.2 ansible_host=203.0.113.2 hostname=pgnode02
10.0.0.3 ansible_host=203.0.113.3 bind_address=10.9.9.3
[postgres_cluster:children]
master
replica
[pgbackrest]  # Dedicated Repository Host
10.0.0.7
[all:vars]
ansible_connection='ssh'
ansible_ssh_port='22'  # the usual one
ansible_ssh_user=root # a comment
ansible_ssh_pass='S3cr3t'  # "sshpass" package is required
`;

describe('hosts from Ansible', () => {
  it('that are listed by their private address are logged in to at the public one', async () => {
    work.write({ inventory: AUTOBASE });
    expect(await work.made({ fromAnsible: work.at('inventory') })).toMatchObject({
      leader: 'pgnode01',
      ssh: { user: 'root', port: 22 },
      hosts: {
        pgnode01: { address: '203.0.113.1', cluster_address: '10.0.0.1' },
        etcd1: { address: '203.0.113.9', cluster_address: '10.0.0.9', roles: ONLY_STORE },
        pgnode02: { address: '203.0.113.2', cluster_address: '10.0.0.2', roles: WITHOUT_STORE },
        pg1: { address: '203.0.113.3', cluster_address: '10.9.9.3', roles: WITHOUT_STORE },
      },
      groups: { postgres_cluster: { hosts: ['pgnode01', 'pgnode02', 'pg1'] } },
    });
    expect(work.notes).toContain(
      '10.0.0.5 (balancers), 10.0.0.7 (pgbackrest): in no group of PostgreSQL or etcd, left out; --group NAMES says which groups to take',
    );
    expect(work.notes).toContain(
      '10.0.0.3 is called pg1 here, is logged in to at 203.0.113.3, and reached by the other members at 10.9.9.3',
    );
    expect(work.printed).not.toContain('S3cr3t');
  });

  it('of seven are members only where their groups say PostgreSQL or etcd', async () => {
    work.write({
      hosts: '[pg-nodes]\npg1\npg2\n[etcd-nodes]\ne1\n[haproxy]\nlb1\n[consul]\nc1\n[pgbackrest]\nb1\n[backup]\nb2\n',
    });
    expect(await work.made({ fromAnsible: work.at('hosts') })).toMatchObject({
      hosts: {
        pg1: { address: 'pg1', roles: WITHOUT_STORE },
        pg2: { address: 'pg2', roles: WITHOUT_STORE },
        e1: { address: 'e1', roles: ONLY_STORE },
      },
    });
    expect(work.notes).toContain(
      'lb1 (haproxy), c1 (consul), b1 (pgbackrest), b2 (backup): in no group of PostgreSQL or etcd, left out; --group NAMES says which groups to take',
    );
  });

  it('have a name of their own each, also where the file gives it twice', async () => {
    work.write({ hosts: '[db]\n10.0.0.1 hostname=a\n10.0.0.2 hostname=a\n10.0.0.3 hostname="{{ x }}"\n10.0.0.4 hostname="{{ x }}"\n' });
    expect(await work.made({ fromAnsible: work.at('hosts') })).toMatchObject({
      hosts: { a: '10.0.0.1', pg1: '10.0.0.2', pg2: '10.0.0.3', pg3: '10.0.0.4' },
    });
    expect(work.notes).toContain('hosts:4 and one other place: hostname: an expression, which only Ansible evaluates');
  });

  it('may all be members where nothing sets them apart, which is said', async () => {
    work.write({ hosts: 'localhost ansible_connection=local\n[all]\none\ntwo\nthree\n' });
    expect(await work.made({ fromAnsible: work.at('hosts') })).toMatchObject({ hosts: { one: 'one', two: 'two', three: 'three' } });
    expect(work.notes).toContain("no group's name says what its hosts are for, so each of them becomes a member with all roles");
  });

  it.each<{ what: string; text: string }>([
    { what: 'of several groups', text: '[red]\na\n[blue]\nb\n' },
    { what: 'beside one for something else', text: '[red]\na\nb\n[kafka]\nc\n' },
    { what: 'that are all something else', text: '[web]\na\n[haproxy]\nb\n' },
  ])('$what are members only when the user says so', async ({ text }) => {
    work.write({ hosts: text });
    await expect(work.made({ fromAnsible: work.at('hosts') })).rejects.toMatchObject({ kind: 'ansible/which-hosts', exitCode: 2 });
    const answer =
      ['red, blue', 'red', 'web haproxy'].find((groups) => groups.split(/\W+/u).every((name) => text.includes(`[${name}]`))) ?? '';
    expect(await work.asked(['nobody', answer], { fromAnsible: work.at('hosts') })).toMatchObject({
      hosts: { a: 'a', b: 'b' },
    });
    expect(work.printed).toContain('there is no group "nobody"');
  });

  it('of TPA have their roles in variables', async () => {
    work.write({
      'inventory/00-speedy': '[tag_Cluster_speedy]\nuproar ansible_host=198.51.100.1 node=1\nkinsman ansible_host=198.51.100.3 node=3\n',
      'inventory/group_vars/tag_Cluster_speedy/01-speedy.yml': "cluster_name: speedy\npostgres_version: '16'\n",
      'inventory/group_vars/tag_Cluster_speedy/00-ansible.yml':
        "ansible_ssh_common_args: -o ServerAliveInterval=60 -o UserKnownHostsFile='/c/known_hosts /c/tpa_known_hosts' -o IdentitiesOnly=yes\n",
      'inventory/host_vars/uproar/01-instance_vars.yml': 'role: [primary]\nprivate_ip: 10.0.0.1\n',
      'inventory/host_vars/kinsman/01-instance_vars.yml': 'role: [barman, log-server, witness]\n',
    });
    expect(await work.made({ fromAnsible: work.at('inventory/00-speedy') })).toMatchObject({
      cluster: 'speedy',
      leader: 'uproar',
      ssh: { known_hosts: ['/c/known_hosts', '/c/tpa_known_hosts'] },
      hosts: { uproar: { address: '198.51.100.1', cluster_address: '10.0.0.1' } },
      postgresql: { version: 16 },
    });
    await expect(work.made({ fromAnsible: work.at('inventory') })).rejects.toMatchObject({ kind: 'init/exists' });
  });
});

const PIGSTY = `---
all:
  children:
    infra: {hosts: {10.10.10.10: {infra_seq: 1}}}
    etcd: {hosts: {10.10.10.10: {etcd_seq: 1}}, vars: {etcd_cluster: etcd}}
    pg-meta:
      hosts: {10.10.10.10: {pg_seq: 1, pg_role: primary}}
      vars: {pg_cluster: pg-meta, pg_users: [{name: a, password: S3cr3t}]}
    pg-test:
      hosts:
        10.10.10.11: {pg_seq: 1, pg_role: replica}
        10.10.10.12: {pg_seq: 2, pg_role: primary}
      vars: {pg_cluster: pg-test}
  vars: {pg_version: 18}
`;
const PG_TEST = { cluster: 'pg-test', leader: 'pg-test-2', hosts: { 'pg-test-1': '10.10.10.11', 'pg-test-2': '10.10.10.12' } };

describe('several clusters in one inventory of Ansible', () => {
  it('are told apart by the name of the cluster, and one is chosen', async () => {
    work.write({ 'pigsty.yml': PIGSTY });
    const fromAnsible = work.at('pigsty.yml');
    await expect(work.made({ fromAnsible })).rejects.toMatchObject({
      kind: 'ansible/several-clusters',
      message: expect.stringContaining('several clusters: pg-meta (10.10.10.10), pg-test (10.10.10.11, 10.10.10.12)') as string,
      hint: expect.stringContaining('--group pg-meta') as string,
    });
    expect(await work.asked(['pg', 'pg-test'], { fromAnsible })).toMatchObject(PG_TEST);
    expect(work.printed).toContain('one of pg-meta, pg-test');
    expect(work.printed).not.toContain('S3cr3t');
  });

  it.each<{ options: InitOptions }>([{ options: { group: ['pg-test'] } }, { options: { cluster: 'pg-test' } }])(
    'are chosen from by $options',
    async ({ options }) => {
      work.write({ 'pigsty.yml': PIGSTY });
      expect(await work.made({ ...options, fromAnsible: work.at('pigsty.yml') })).toMatchObject(PG_TEST);
    },
  );

  it.each<{ what: string; text: string; names: string }>([
    { what: 'groups that share no host', text: '[pg_orders]\na\nb\n[pg_billing]\nc\n', names: 'pg_orders (a, b), pg_billing (c)' },
    {
      what: 'a first leader each',
      text: '[orders_master]\na\n[orders_replica]\nb\n[billing_master]\nc\n[orders:children]\norders_master\norders_replica\n[billing:children]\nbilling_master\n[postgres:children]\norders\nbilling\n',
      names: 'orders (a, b), billing (c)',
    },
  ])('are told apart by $what', async ({ text, names }) => {
    work.write({ hosts: text });
    await expect(work.made({ fromAnsible: work.at('hosts') })).rejects.toMatchObject({
      message: expect.stringContaining(`several clusters: ${names}`) as string,
    });
  });

  it('are none where the user names the groups, or one group has them all', async () => {
    work.write({ hosts: '[pg_dc1]\na\n[pg_dc2]\nb\n', all: '[pg_dc1]\na\n[pg_dc2]\nb\n[postgres:children]\npg_dc1\npg_dc2\n' });
    const hosts = { a: 'a', b: 'b' };
    expect(await work.made({ fromAnsible: work.at('all') })).toMatchObject({ hosts });
    rmSync(work.at('inventory.yml'));
    expect(await work.made({ fromAnsible: work.at('hosts'), group: ['pg_dc1', 'pg_dc2'] })).toMatchObject({ hosts });
  });
});

describe('what is beside an inventory of Ansible', () => {
  it('is read beside the playbooks too, and these win', async () => {
    work.write({
      'ansible.cfg': '',
      'inventories/production/hosts': '[db]\na\n',
      'inventories/production/group_vars/db.yml': 'ansible_user: one\nansible_port: 2222\n',
      'group_vars/all.yml': 'patroni_cluster_name: shop\n',
      'group_vars/db.yml': 'ansible_user: two\n',
    });
    expect(await work.made({ fromAnsible: work.at('inventories/production/hosts') })).toMatchObject({
      cluster: 'shop',
      ssh: { user: 'two', port: 2222 },
    });
  });

  it('is told when it cannot be read, and the rest is taken', async () => {
    work.write({ hosts: '[db]\na\n', 'group_vars/db.yml': 'ansible_ssh_pass: *S3cr3t\n', 'group_vars/all.yml': 'ansible_user: me\n' });
    expect(await work.made({ fromAnsible: work.at('hosts') })).toMatchObject({ ssh: { user: 'me' } });
    expect(work.notes[0]).toMatch(/^group_vars\/db\.yml: not valid YAML: .*; nothing of it was taken$/u);
    expect(work.printed).not.toContain('S3cr3t');
  });

  it('is told also when nothing is written', async () => {
    work.write({
      hosts: '[db]\na ansible_host="{{ S3cr3t }}" ansible_port=22\n[db:vars]\npostgresql_version=9\nansible_become_pass: S3cr3t\n',
    });
    await expect(work.made({ fromAnsible: work.at('hosts') })).rejects.toMatchObject({ kind: 'init/unfit' });
    expect(work.notes).toEqual([
      'hosts:5: ansible_become_pass: not a variable, which must be NAME=VALUE',
      'hosts:2: ansible_host: an expression, which only Ansible evaluates',
    ]);
    expect(work.printed).not.toContain('S3cr3t');
  });
});
