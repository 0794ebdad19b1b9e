import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { isOpenFile, loadInventory } from '../../src/model/index.js';
import { catalog } from './catalog.js';
import { inventoryDirectory, load, problemsOf } from './inventory-file.js';
import type { Options } from './inventory-file.js';

const directory = inventoryDirectory();

interface Case {
  name: string;
  yaml: string | Uint8Array;
  options?: Options;
  lines: string[];
}

const START = '    start with "cluster: NAME" and "hosts:"; inventory/minimal.yml of pgprov shows the least there is';
const HOSTS = 'hosts: {pg1: 192.0.2.11}';

const notAnInventory: Case[] = [
  { name: 'an empty file', yaml: '', lines: ['inventory.yml:1:1: the file is empty', START] },
  { name: 'only comments', yaml: '# nothing\n', lines: ['inventory.yml:1:1: the file is empty', START] },
  { name: 'a list', yaml: '- pg1\n', lines: ['inventory.yml:1:1: must hold a mapping at the top level, not a list', START] },
  { name: 'prose', yaml: 'hello', lines: ['inventory.yml:1:1: must hold a mapping at the top level, not a plain value', START] },
  {
    name: 'an inventory of Ansible',
    yaml: '[db]\npg1 ansible_host=10.0.0.1\n',
    lines: ['inventory.yml: is an inventory of Ansible', '    `pgprov init --from-ansible inventory.yml` makes one of pgprov from it'],
  },
  {
    name: 'broken YAML, every place of it',
    yaml: 'cluster: a: b\nhosts:\n\tpg1: "x\n',
    lines: [
      'inventory.yml:1:10: not valid YAML: nested mappings are not allowed in compact mappings',
      'inventory.yml:3:1: not valid YAML: tabs are not allowed as indentation',
      'inventory.yml:4:1: not valid YAML: missing closing "quote',
    ],
  },
  {
    name: 'two documents',
    yaml: 'cluster: a\n---\ncluster: b\n',
    lines: ['inventory.yml:1:1: holds more than one YAML document; keep one cluster in one file'],
  },
  {
    name: 'an unknown tag',
    yaml: 'cluster: !vault x\n',
    lines: ['inventory.yml:1:10: not valid YAML: unknown tag; a text that begins with ! must be in quotes'],
  },
  {
    name: 'an alias without its anchor',
    yaml: `cluster: *nope\n${HOSTS}\n`,
    lines: ['inventory.yml:1:10 cluster: there is no anchor of this name before the alias; a text that begins with * must be in quotes'],
  },
  {
    name: 'data that holds itself',
    yaml: 'cluster: demo\nhosts: &h {pg1: *h}\n',
    lines: ['inventory.yml:2:17 hosts.pg1: holds itself through an alias'],
  },
  {
    name: 'a mapping that merges itself',
    yaml: 'cluster: demo\nhosts: &h {<<: *h, pg1: 192.0.2.1}\n',
    lines: ['inventory.yml:2:11 hosts: holds itself through an alias'],
  },
  {
    name: 'merges that grow without end',
    yaml: ['a: &x0 {}', ...Array.from({ length: 40 }, (_, index) => `k${index}: &x${index + 1} {<<: [*x${index}, *x${index}]}`)].join('\n'),
    lines: [expect.stringMatching(/^inventory.yml:\d+:\d+ k\d+: holds too much, counting what aliases repeat$/u) as string],
  },
  {
    name: 'data that grows without end',
    yaml: ['a: &x0 [1, 1]', ...Array.from({ length: 40 }, (_, index) => `k${index}: &x${index + 1} [*x${index}, *x${index}]`)].join('\n'),
    lines: [expect.stringMatching(/^inventory.yml:\d+:\d+ k[^:]*: holds too much, counting what aliases repeat$/u) as string],
  },
  { name: 'bottomless brackets', yaml: '['.repeat(50_000), lines: ['inventory.yml:1:1: is nested too deeply'] },
  { name: 'bottomless lists', yaml: '- '.repeat(10_000), lines: ['inventory.yml:1:1: is nested too deeply'] },
  { name: 'a key that is a list', yaml: '? [a]\n: b\n', lines: ['inventory.yml:1:3: a key must be a single word or text'] },
  { name: 'bytes that are no text', yaml: Uint8Array.of(0x61, 0xff), lines: ['inventory.yml: is not UTF-8 text'] },
  {
    name: 'a merge key without a mapping',
    yaml: `cluster: demo\n<<: 1\n${HOSTS}\n`,
    lines: ['inventory.yml:2:1 <<: must be an alias of a mapping, or a list of them'],
  },
];

const structure: Case[] = [
  {
    name: 'required keys',
    yaml: '# nothing required\nleader: pg1\n',
    lines: [
      'inventory.yml:2:1 cluster: required key is missing',
      'inventory.yml:2:1 hosts: required key is missing',
      'inventory.yml:2:9 leader: no such host: "pg1"',
    ],
  },
  {
    name: 'no hosts',
    yaml: 'cluster: demo\nhosts: {}\n',
    lines: ['inventory.yml:2:8 hosts: must be a mapping of host names to settings, with at least one host, not an empty mapping'],
  },
  {
    name: 'a host with nothing in it',
    yaml: 'cluster: demo\nhosts:\n  pg1:\n',
    lines: ['inventory.yml:3:3 hosts.pg1.address: required key is missing'],
  },
  {
    name: 'a list of hosts',
    yaml: 'cluster: demo\nhosts: [pg1]\n',
    lines: ['inventory.yml:2:8 hosts: must be a mapping of host names to settings, with at least one host, not a list'],
  },
  {
    name: 'hosts that are no settings',
    yaml: 'cluster: demo\nhosts:\n  pg1:\n  pg2: [a]\n  pg3: 3\n',
    lines: [
      'inventory.yml:3:3 hosts.pg1.address: required key is missing',
      'inventory.yml:4:8 hosts.pg2: must be a mapping of settings, or an address, not a list',
      'inventory.yml:5:8 hosts.pg3: must be a mapping of settings, or an address, not 3',
    ],
  },
  {
    name: 'duplicate hosts, along with everything else',
    yaml: 'cluster: Demo\nhosts:\n  pg1: 192.0.2.11\n  pg1: 192.0.2.12\n',
    lines: [
      'inventory.yml:1:10 cluster: must be lower-case letters, digits, dashes and underscores, 63 at most, not "Demo"',
      'inventory.yml:4:3 hosts.pg1: duplicate key; it is already on line 3',
    ],
  },
  {
    name: 'unknown keys, with what they may have been',
    yaml: `cluster: demo\nport: 5433\nttl: 30\npostgres: {}\nxyzzy: 1\nhosts:\n  pg1:\n    adress: 192.0.2.11\n    user: admin\n    ssh: {prot: 1, identityFile: x}\n    address: 192.0.2.11\n`,
    lines: [
      'inventory.yml:2:1 port: unknown key',
      '    "port" belongs under ssh or under postgresql',
      'inventory.yml:3:1 ttl: unknown key',
      '    "ttl" belongs under patroni',
      'inventory.yml:4:1 postgres: unknown key',
      '    did you mean "postgresql"?',
      'inventory.yml:5:1 xyzzy: unknown key',
      '    known here: cluster, leader, dcs, roles, rolesPath, hosts, groups, ssh, base, postgresql, etcd, patroni',
      'inventory.yml:8:5 hosts.pg1.adress: unknown key',
      '    did you mean "address"?',
      'inventory.yml:9:5 hosts.pg1.user: unknown key',
      '    "user" belongs under ssh',
      'inventory.yml:10:11 hosts.pg1.ssh.prot: unknown key',
      '    did you mean "port"?',
      'inventory.yml:10:20 hosts.pg1.ssh.identityFile: unknown key',
      '    did you mean "identity_file"?',
    ],
  },
  {
    name: 'values of the wrong type or out of range',
    yaml: `cluster: demo\nroles: etcd\npostgresql:\n  port: "5432"\n  version: 9\n  data_dir: 5\n  hba: x\n  parameters: {a: [1], "Foo Bar": 1}\nbase: {manage_hosts_file: "yes"}\npatroni: {watchdog: automtic, ttl: 20.5, tags: {nofailover: 1}}\n${HOSTS}\n`,
    lines: [
      'inventory.yml:2:8 roles: must be a list, not "etcd"',
      '    write it as a list: [etcd]',
      'inventory.yml:4:9 postgresql.port: must be an integer from 1 to 65535, not "5432"',
      '    write it without quotes',
      'inventory.yml:5:12 postgresql.version: must be an integer from 13 to 18, not 9',
      'inventory.yml:6:13 postgresql.data_dir: must be an absolute path, not 5',
      '    put it in quotes',
      'inventory.yml:7:8 postgresql.hba: must be a list, not "x"',
      '    write it as a list: [x]',
      'inventory.yml:8:19 postgresql.parameters.a: must be a string, a number or true or false, not a list',
      'inventory.yml:8:24 postgresql.parameters."Foo Bar": the key must be the name of a setting',
      'inventory.yml:9:27 base.manage_hosts_file: must be true or false, not "yes"',
      'inventory.yml:10:21 patroni.watchdog: must be off, automatic or required, not "automtic"',
      '    did you mean "automatic"?',
      'inventory.yml:10:36 patroni.ttl: must be an integer of at least 20, not 20.5',
      'inventory.yml:10:61 patroni.tags.nofailover: must be true or false, not 1',
    ],
  },
  {
    name: 'SSH settings',
    yaml: `cluster: demo\nssh: {jump: [a b, "admin@[::1", "b:0", "ann:S3cret@b"], known_hosts: [1], become: sodu, user: "a b", identity_file: "a\\nb"}\n${HOSTS}\n`,
    lines: [
      'inventory.yml:2:13 ssh.jump[0]: must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22',
      'inventory.yml:2:13 ssh.jump[1]: must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22',
      'inventory.yml:2:13 ssh.jump[2]: must have a port from 1 to 65535, not 0',
      'inventory.yml:2:13 ssh.jump[3]: has a password; a hop takes none, but identity_file, its own key files and the agent',
      'inventory.yml:2:71 ssh.known_hosts[0]: must be a path, not 1',
      '    put it in quotes',
      'inventory.yml:2:83 ssh.become: must be sudo, doas or none, not "sodu"',
      '    did you mean "sudo"?',
      'inventory.yml:2:95 ssh.user: must be a user name, not "a b"',
      'inventory.yml:2:117 ssh.identity_file: must be a path, not "a\\nb"',
    ],
  },
  {
    name: 'a NUL character, wherever it is',
    yaml: `cluster: demo\npatroni: {dynamic: {a: "\\0"}}\n${HOSTS}`,
    lines: ['inventory.yml:2:24 patroni.dynamic.a: must not hold a NUL character'],
  },
  {
    name: 'half of a surrogate pair, wherever it is',
    yaml: `cluster: demo\npatroni: {dynamic: {a: "\\ud800", b: "\\ud83d\\ude00", "\\udc00": 1}}\n${HOSTS}`,
    lines: [
      'inventory.yml:2:24 patroni.dynamic.a: must not hold half of a surrogate pair, which is no character',
      'inventory.yml:2:53 patroni.dynamic: a key must not hold half of a surrogate pair, which is no character',
    ],
  },
  {
    name: 'addresses that only one host understands',
    yaml: 'cluster: demo\nhosts:\n  pg1: {address: fe80::1%eth0}\n  pg2: {address: fe80::2%eth0, cluster_address: 10.0.0.2}\n  pg3: {address: 10.0.0.3, cluster_address: fe80::3%eth0}\n',
    lines: [
      'inventory.yml:3:18 hosts.pg1.address: holds a zone (what follows the %), which the other members do not know',
      '    give a cluster_address without one',
      'inventory.yml:5:45 hosts.pg3.cluster_address: holds a zone (what follows the %), which the other members do not know',
      '    give a cluster_address without one',
    ],
  },
];

const sense: Case[] = [
  {
    name: 'names of hosts and groups',
    yaml: 'cluster: demo\nhosts:\n  "bad host": 192.0.2.1\n  pg1: 192.0.2.2\n  PG1: 192.0.2.3\n  -x: 192.0.2.4\ngroups:\n  pg1: {hosts: [pg1, pgx]}\n  a/b: {}\n',
    lines: [
      'inventory.yml:3:3 hosts."bad host": must be a name of letters, digits, ".", "-" and "_", 63 at most, with a letter or digit at both ends',
      'inventory.yml:5:3 hosts.PG1: differs from host "pg1" only in case, which host names do not tell apart',
      'inventory.yml:6:3 hosts.-x: must be a name of letters, digits, ".", "-" and "_", 63 at most, with a letter or digit at both ends',
      'inventory.yml:8:3 groups.pg1: there is a host of this name too (line 4)',
      '    rename the group',
      'inventory.yml:8:22 groups.pg1.hosts[1]: no such host: "pgx"',
      '    did you mean "pg1"?',
      'inventory.yml:9:3 groups.a/b: must be a name of letters, digits, ".", "-" and "_", 63 at most, with a letter or digit at both ends',
    ],
  },
  {
    name: 'addresses that are none',
    yaml: 'cluster: demo\nhosts: {a: 192.0.2.300, b: "db:2222", c: admin@db, d: "fe80::zz"}\n',
    lines: [
      'inventory.yml:2:9 hosts.a.address: is not an IPv4 address: "192.0.2.300"',
      'inventory.yml:2:25 hosts.b.address: is not an IPv6 address: "db:2222"',
      '    a port goes to ssh.port',
      'inventory.yml:2:39 hosts.c.address: must be an IP address or a name, not "admin@db"',
      'inventory.yml:2:52 hosts.d.address: is not an IPv6 address: "fe80::zz"',
    ],
  },
  {
    name: 'names that every machine has, and addresses that are nobody’s',
    yaml: 'cluster: demo\nhosts:\n  localhost: 192.0.2.1\n  b: 127.0.0.1\n  c: {address: 192.0.2.3, cluster_address: "::1"}\n  d: 0.0.0.0\n  e: {address: 127.0.0.1, cluster_address: 10.0.0.5, ssh: {port: 2222}}\ngroups: {LocalHost: {}}\n',
    lines: [
      'inventory.yml:3:3 hosts.localhost: cannot be the name of one host: every machine calls itself that',
      '    give it a name that the others can call it by, such as pg1',
      'inventory.yml:4:3 hosts.b.cluster_address: the others cannot reach the host at 127.0.0.1, which on every machine means that machine itself',
      '    give the cluster_address where the others reach it',
      'inventory.yml:5:44 hosts.c.cluster_address: the others cannot reach the host at ::1, which on every machine means that machine itself',
      '    give the cluster_address where the others reach it',
      'inventory.yml:6:3 hosts.d.address: means all addresses of a machine, and nobody can connect there: "0.0.0.0"',
      '    give one address that the host has',
      'inventory.yml:8:10 groups.LocalHost: cannot be the name of one host: every machine calls itself that',
      '    give it a name that the others can call it by, such as pg1',
    ],
  },
  {
    name: 'two hosts in one place, however it is spelled',
    yaml: 'cluster: demo\nhosts:\n  a: 2001:db8::1\n  b: 2001:DB8:0::1\n  c: {address: 192.0.2.1, cluster_address: 2001:db8::1}\n  d: {address: lab, ssh: {port: 1}}\n  e: {address: LAB, ssh: {port: 2}}\n',
    lines: [
      'inventory.yml:4:3 hosts.b.address: same address and SSH port as host a (line 3): 2001:DB8:0::1 port 22',
      'inventory.yml:5:44 hosts.c.cluster_address: same cluster address as host a (line 3): 2001:db8::1',
      '    give each host the cluster_address where the others reach it',
      'inventory.yml:7:3 hosts.e.cluster_address: same cluster address as host d (line 6): LAB',
      '    give each host the cluster_address where the others reach it',
    ],
  },
  {
    name: 'roles that are none, twice, or alone',
    yaml: 'cluster: demo\nroles: [base, patrony, etcd, etcd]\nhosts:\n  a: 192.0.2.1\n  b: {address: 192.0.2.2, roles: [patroni]}\n',
    lines: [
      'inventory.yml:2:15 roles[1]: must be base, postgresql, etcd or patroni, not "patrony"',
      '    did you mean "patroni"?',
      'inventory.yml:2:30 roles[3]: is in the list twice (see [2])',
      'inventory.yml:5:34 hosts.b.roles: role "patroni" needs role "postgresql" on the same host',
      '    add postgresql to the list',
    ],
  },
  {
    name: 'a leader that is no host',
    yaml: 'cluster: demo\nleader: pg9\nhosts: {pg1: 192.0.2.1}\n',
    lines: ['inventory.yml:2:9 leader: no such host: "pg9"', '    did you mean "pg1"?'],
  },
  {
    name: 'a leader that cannot lead',
    yaml: 'cluster: demo\nleader: dcs\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, dcs: {address: 192.0.2.3, roles: [etcd]}}\n',
    lines: ['inventory.yml:2:9 leader: host "dcs" has no role "patroni" and cannot lead', '    it can be pg1 or pg2'],
  },
  {
    name: 'a value that must be one for the cluster',
    yaml: 'cluster: demo\npostgresql: {superuser_password: aaaaaaaa}\nhosts:\n  a: 192.0.2.1\n  b: {address: 192.0.2.2, postgresql: {version: 16, superuser_password: bbbbbbbb}}\n',
    options: { set: ['a:patroni.ttl=40'] },
    lines: [
      'inventory.yml:5:49 postgresql.version: must be the same on every host: 17 on a (default), 16 on b (host b, line 5)',
      '    set it at the top level',
      'inventory.yml:5:73 postgresql.superuser_password: must be the same on every host: one value on a (top level, line 2), one value on b (host b, line 5)',
      '    set it at the top level',
      '--set patroni.ttl: must be the same on every host: 40 on a (--set a:patroni.ttl), 30 on b (default)',
      '    set it at the top level',
    ],
  },
];

const options: Case[] = [
  {
    name: 'options that are wrong, without their values',
    yaml: `cluster: demo\n${HOSTS}\n`,
    options: {
      set: [
        'postgresql.prot=1',
        'postgres.port=1',
        'port=1',
        'zzz.y=1',
        'pg9:etcd.client_port=1',
        'postgresql..port=1',
        'etcd',
        'my secret',
        'patroni.ttl={',
        'postgresql.port=abc',
        'postgresql.port.x=1',
        'postgresql.superuser_password=short',
        '=1',
      ],
    },
    lines: [
      '--set postgresql.prot: postgresql has no key "prot"',
      '    did you mean "postgresql.port"?',
      '--set postgres.port: no such section: "postgres"',
      '    did you mean "postgresql.port"?',
      '--set port: no such section: "port"',
      '    did you mean "ssh.port" or "postgresql.port"?',
      '--set zzz.y: no such section: "zzz"',
      '    sections: ssh, base, postgresql, etcd, patroni',
      '--set pg9:etcd.client_port: no such host: "pg9"',
      '    did you mean "pg1"?',
      '--set postgresql..port: is not a key such as postgresql.port',
      '    write --set SECTION.KEY=VALUE, or --set HOST:SECTION.KEY=VALUE for one host',
      '--set etcd: has no "="',
      '    write --set SECTION.KEY=VALUE, or --set HOST:SECTION.KEY=VALUE for one host',
      '--set: has no "="',
      '    write --set SECTION.KEY=VALUE, or --set HOST:SECTION.KEY=VALUE for one host',
      '--set patroni.ttl: not valid YAML: flow map must end with a }',
      '    quote the value twice, for the shell and for YAML',
      '--set postgresql.port: must be an integer from 1 to 65535, not "abc"',
      '--set postgresql.port.x: postgresql.port has no key "x"',
      '    postgresql.port is a single value',
      '--set postgresql.superuser_password: must be a string of at least 8 characters, not this one',
      '--set: is not a key such as postgresql.port',
      '    write --set SECTION.KEY=VALUE, or --set HOST:SECTION.KEY=VALUE for one host',
    ],
  },
];

const secrets: Case[] = [
  {
    name: 'secrets that are none, without their values',
    yaml: `cluster: demo\npostgresql: {superuser_password: 12345678}\nssh: {password: {evn: X}, become_password: [hunter2]}\n${HOSTS}\n`,
    lines: [
      'inventory.yml:2:34 postgresql.superuser_password: must be a string, {env: NAME}, {file: path}, {command: [program, argument]} or {age: store, key: name}, not a number',
      '    put it in quotes',
      'inventory.yml:3:18 ssh.password.evn: unknown key',
      '    did you mean "env"?',
      'inventory.yml:3:44 ssh.become_password: must be a string, {env: NAME}, {file: path}, {command: [program, argument]} or {age: store, key: name}, not a list',
    ],
  },
  {
    name: 'references to secrets that are none, which may hold another one',
    yaml: `cluster: demo\npostgresql: {superuser_password: {env: hunter2!}}\nssh: {password: {command: "vault -token=hunter2"}}\n${HOSTS}\n`,
    lines: [
      'inventory.yml:2:40 postgresql.superuser_password.env: must be the name of an environment variable, not this one',
      'inventory.yml:3:27 ssh.password.command: must be a program and its arguments as a list of strings, not this one',
    ],
  },
  {
    name: 'secrets that cannot be had',
    yaml: `cluster: demo\npostgresql: {superuser_password: {env: SHORT}}\nssh: {password: {env: NOPE}, become_password: {file: nope}}\n${HOSTS}\n`,
    options: { env: { SHORT: 'hunter2' } },
    lines: [
      'inventory.yml:2:34 postgresql.superuser_password: must be a string of at least 8 characters, not this one',
      'inventory.yml:3:17 ssh.password: the environment variable NOPE is not set',
      'inventory.yml:3:47 ssh.become_password: the file nope cannot be read: there is no such file',
    ],
  },
];

describe.each([
  { area: 'no inventory', cases: notAnInventory },
  { area: 'structure', cases: structure },
  { area: 'sense', cases: sense },
  { area: '--set', cases: options },
  { area: 'secrets', cases: secrets },
])('problems: $area', ({ cases }) => {
  test.each(cases)('$name', async ({ yaml, options: given = {}, lines }) => {
    expect(await problemsOf(directory.path, yaml, given)).toEqual(lines);
  });
});

describe('problems: the file itself', () => {
  test('is missing', async () => {
    await expect(loadInventory('nowhere/inventory.yml', { roles: catalog })).rejects.toMatchObject({
      kind: 'inventory/invalid',
      exitCode: 2,
      problems: [{ message: 'there is no such file', path: '', file: 'nowhere/inventory.yml' }],
    });
  });

  test('is a named pipe, which may wait for its writer for ever; one that is open is read', async () => {
    const pipe = `${directory.path}/pipe.yml`;
    execFileSync('mkfifo', [pipe]);
    await expect(loadInventory(pipe, { roles: catalog })).rejects.toThrow(`${pipe}: is a named pipe, not an inventory file`);
    expect(['/dev/stdin', '/dev/fd/63', '/proc/self/fd/3', pipe, '/dev/fd/store/i.yml'].map(isOpenFile)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test('is a directory, or a device', async () => {
    await expect(loadInventory(directory.path, { roles: catalog })).rejects.toThrow('is a directory, not an inventory file');
    await expect(loadInventory('/dev/zero', { roles: catalog })).rejects.toThrow('is a device, not an inventory file');
  });
});

test('a variable that a role requires must be set by some layer', async () => {
  const roles = [
    {
      name: 'backup',
      description: 'Backs up.',
      variables: { type: 'object', required: ['bucket'], properties: { bucket: { type: 'string' }, keep: { type: 'integer' } } },
    },
  ] as const;
  const head = 'cluster: demo\nroles: [backup]\nbackup: {keep: 1}\nhosts:\n  a: 192.0.2.1\n  b: 192.0.2.2\n';
  expect(await problemsOf(directory.path, head, { roles })).toEqual([
    'inventory.yml:4:1 hosts: role "backup" needs backup.bucket, which nothing sets',
  ]);
  expect(await problemsOf(directory.path, head, { roles, set: ['a:backup.bucket=x'] })).toEqual([
    'inventory.yml:6:3 hosts.b: role "backup" needs backup.bucket, which nothing sets on b',
  ]);
  await expect(load(directory.path, head, { roles, set: ['backup.bucket=x'] })).resolves.toBeDefined();
});
