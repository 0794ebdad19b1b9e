import { chmod, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Secret } from '../../src/lib/secret.js';
import { toTarget } from '../../src/model/index.js';
import type { Host, Inventory } from '../../src/model/index.js';
import type { Target } from '../../src/transport/transport.js';
import { inventoryDirectory, load, problemsOf } from './inventory-file.js';

const directory = inventoryDirectory();

function host(inventory: Inventory, name: string): Host {
  const found = inventory.hosts.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no host ${name}`);
  return found;
}

describe('precedence', () => {
  const yaml = `
cluster: demo
postgresql: {parameters: {work_mem: top, a: top, b: top, c: top, d: top}, hba: [top]}
hosts:
  pg1: 192.0.2.1
  pg2: {address: 192.0.2.2, postgresql: {parameters: {d: host}}}
groups:
  second: {hosts: [pg2], postgresql: {parameters: {b: second, c: second, d: second}, hba: [second]}}
  first: {hosts: [pg2], postgresql: {parameters: {c: first, d: first}}}
`;

  test('default < top level < groups as listed < host', async () => {
    const inventory = await load(directory.path, yaml);
    expect(host(inventory, 'pg1').vars['postgresql']).toEqual({
      version: 17,
      port: 5432,
      parameters: { shared_buffers: '128MB', max_connections: 100, work_mem: 'top', a: 'top', b: 'top', c: 'top', d: 'top' },
      hba: ['top'],
    });
    expect(host(inventory, 'pg2').vars['postgresql']).toMatchObject({
      parameters: { a: 'top', b: 'second', c: 'first', d: 'host' },
      hba: ['second'],
    });
    expect(host(inventory, 'pg2').groups).toEqual(['second', 'first']);
  });

  test('--set wins, later over earlier, for one host over for all', async () => {
    const set = [
      'pg2:postgresql.parameters.d=one',
      'postgresql.parameters.d=all',
      'postgresql.parameters.c=x',
      'postgresql.parameters.c=y',
    ];
    const inventory = await load(directory.path, yaml, { set });
    expect(host(inventory, 'pg1').vars['postgresql']).toMatchObject({ parameters: { c: 'y', d: 'all' } });
    expect(host(inventory, 'pg2').vars['postgresql']).toMatchObject({ parameters: { c: 'y', d: 'one' } });
  });

  test('every leaf shows where it came from', async () => {
    const inventory = await load(directory.path, yaml, { set: ['postgresql.parameters.c=x'] });
    const from = host(inventory, 'pg2').provenance;
    const file = join(directory.path, 'inventory.yml');
    expect(from.get('postgresql.version')).toEqual({ kind: 'default' });
    expect(from.get('postgresql.parameters.a')).toEqual({ kind: 'file', file, line: 3, column: 45, via: 'top level' });
    expect(from.get('postgresql.parameters.b')).toMatchObject({ kind: 'file', line: 8, via: 'group second' });
    expect(from.get('postgresql.parameters.c')).toEqual({ kind: 'set', via: '--set postgresql.parameters.c' });
    expect(from.get('postgresql.parameters.d')).toMatchObject({ kind: 'file', line: 6, via: 'host pg2' });
    expect(from.get('roles')).toEqual({ kind: 'default' });
    expect(from.get('ssh.port')).toEqual({ kind: 'default' });
  });
});

describe('values', () => {
  const one = (rest: string): string => `cluster: demo\n${rest}\nhosts: {pg1: 192.0.2.1}\n`;

  test.each([
    {
      name: 'null removes an inherited value',
      rest: 'patroni: {ttl: 40}',
      set: ['pg1:patroni.ttl=null'],
      section: 'patroni',
      value: { ttl: 30 },
    },
    {
      name: 'null in a free mapping',
      rest: 'postgresql: {parameters: {a: 1, shared_buffers: 1GB}}',
      set: ['postgresql.parameters.a=', 'postgresql.parameters.shared_buffers=null'],
      section: 'postgresql',
      value: { parameters: { shared_buffers: '128MB', max_connections: 100 } },
    },
    { name: 'an empty section', rest: 'patroni:', section: 'patroni', value: { ttl: 30 } },
    {
      name: 'a parameter whose name has dots',
      rest: '',
      set: ['postgresql.parameters.pg_stat_statements.max=5'],
      section: 'postgresql',
      value: { parameters: { 'pg_stat_statements.max': 5 } },
    },
    {
      name: 'quoted keys',
      rest: '',
      set: ['patroni.dynamic.postgresql.parameters."a.b"=1'],
      section: 'patroni',
      value: { dynamic: { postgresql: { parameters: { 'a.b': 1 } } } },
    },
    {
      name: 'a whole mapping',
      rest: '',
      set: ['etcd={client_port: 1, peer_port: 2}'],
      section: 'etcd',
      value: { client_port: 1, peer_port: 2 },
    },
    { name: 'a number for a string', rest: '', set: ['postgresql.data_dir=/17'], section: 'postgresql', value: { data_dir: '/17' } },
    {
      name: 'merge keys and aliases',
      rest: 'groups: {a: {hosts: [pg1], patroni: &x {ttl: 50, tags: &t {clonefrom: true}}}, b: {hosts: [pg1], patroni: {<<: *x, tags: {<<: [*t], nofailover: true}}}}',
      section: 'patroni',
      value: { ttl: 50, tags: { clonefrom: true, nofailover: true } },
    },
    { name: 'words that YAML 1.1 took for booleans', rest: 'patroni: {watchdog: off}', section: 'patroni', value: { watchdog: 'off' } },
    {
      name: 'a tag the schema does not list',
      rest: 'patroni: {tags: {dc: east}}',
      section: 'patroni',
      value: { tags: { dc: 'east', nofailover: false, clonefrom: false } },
    },
  ])('follow these rules: $name', async ({ rest, set = [], section, value }) => {
    const inventory = await load(directory.path, one(rest), { set });
    expect(host(inventory, 'pg1').vars[section]).toMatchObject(value);
  });

  test('are frozen', async () => {
    const inventory = await load(directory.path, one('postgresql: {hba: [x]}'));
    expect(() => (host(inventory, 'pg1').vars['postgresql']?.['hba'] as string[]).push('y')).toThrow(TypeError);
  });
});

describe('hosts', () => {
  test('keep the order of the file, whatever their names', async () => {
    const { hosts, leader, cluster, groups, dir } = await load(
      directory.path,
      'cluster: demo\nhosts: {b: 192.0.2.1, 10: 192.0.2.2, 9: {address: 192.0.2.3, cluster_address: 10.0.0.3}}\ngroups: {2: {hosts: [b]}, 1: {}}\n',
    );
    expect(hosts.map(({ name, address, clusterAddress }) => [name, address, clusterAddress])).toEqual([
      ['b', '192.0.2.1', '192.0.2.1'],
      ['10', '192.0.2.2', '192.0.2.2'],
      ['9', '192.0.2.3', '10.0.0.3'],
    ]);
    expect({ leader, cluster, groups, dir }).toEqual({
      leader: 'b',
      cluster: 'demo',
      groups: [
        { name: '2', hosts: ['b'] },
        { name: '1', hosts: [] },
      ],
      dir: directory.path,
    });
  });

  test.each([
    { name: 'the first with patroni', roles: ['etcd', 'base, postgresql', 'base, postgresql, patroni'], leader: 'h2' },
    { name: 'the first with postgresql', roles: ['etcd', 'base, postgresql'], leader: 'h1' },
    { name: 'the first host', roles: ['etcd', 'base'], leader: 'h0' },
  ])('are led by $name', async ({ roles, leader }) => {
    const hosts = roles.map((list, index) => `  h${index}: {address: 192.0.2.${index}, roles: [${list}]}`).join('\n');
    expect((await load(directory.path, `cluster: demo\nhosts:\n${hosts}\n`)).leader).toBe(leader);
  });

  test('have the roles of the closest list, and only the sections of these roles', async () => {
    const inventory = await load(
      directory.path,
      'cluster: demo\nroles: [base]\nhosts: {a: 192.0.2.1, b: 192.0.2.2, c: {address: 192.0.2.3, roles: []}}\ngroups: {g: {hosts: [b, c], roles: [etcd]}}\n',
    );
    expect(inventory.hosts.map(({ roles, vars }) => [roles, Object.keys(vars)])).toEqual([
      [['base'], ['base']],
      [['etcd'], ['etcd']],
      [[], []],
    ]);
  });
});

describe('ssh', () => {
  test('has defaults', async () => {
    const { hosts } = await load(directory.path, 'cluster: demo\nssh: {user: admin}\nhosts: {pg1: 192.0.2.1}\n');
    expect(hosts[0]?.ssh).toEqual({
      config: ['~/.ssh/config', '/etc/ssh/ssh_config'],
      address: '192.0.2.1',
      user: 'admin',
      port: 22,
      jump: [],
      become: { method: 'sudo' },
      hostKeys: { policy: 'ask', files: ['/home/op/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'] },
      connectTimeout: 15,
      keepalive: { interval: 5, count: 3 },
      commandTimeout: 1800,
    });
  });

  test('resolves paths, hops and secrets', async () => {
    const yaml = `cluster: demo
ssh: {user: root, identity_file: keys/id, password: letmein, jump: ["me@bastion:2222", "[2001:db8::1]"], known_hosts: ~/hosts}
hosts: {pg1: {address: 192.0.2.1, ssh: {become_password: {env: SUDO}, port: 2200, host_key_policy: accept-new}}}
`;
    const { hosts } = await load(directory.path, yaml, { env: { HOME: '/home/op', SUDO: 'sesame' } });
    const ssh = hosts[0]?.ssh;
    const identityFile = join(directory.path, 'keys/id');
    expect(ssh).toMatchObject({
      user: 'root',
      port: 2200,
      identityFile,
      jump: [
        { address: 'bastion', port: 2222, user: 'me', identityFile },
        { address: '2001:db8::1', port: 22, user: 'root', identityFile },
      ],
      become: { method: 'none' },
      hostKeys: { policy: 'accept-new', files: ['/home/op/hosts'] },
    });
    expect([ssh?.password?.reveal(), ssh?.become.password?.reveal()]).toEqual(['letmein', 'sesame']);
  });

  test('has the form that a transport takes', async () => {
    const { hosts } = await load(directory.path, 'cluster: demo\nssh: {user: admin}\nhosts: {pg1: 192.0.2.1}\n', {
      set: ['pg1:ssh.port=2222', 'ssh.user=1234'],
    });
    const target: Target = toTarget(hosts[0] as Host);
    expect(target).toMatchObject({ name: 'pg1', address: '192.0.2.1', port: 2222, user: '1234' });
  });
});

describe('secrets', () => {
  const yaml = 'cluster: demo\npostgresql: {superuser_password: {file: pw}}\nhosts: {pg1: 192.0.2.1}\n';

  test('come from a file without its last newline and stay hidden', async () => {
    await writeFile(join(directory.path, 'pw'), 'correct horse\n', { mode: 0o600 });
    const inventory = await load(directory.path, yaml);
    const password = inventory.hosts[0]?.vars['postgresql']?.['superuser_password'] as Secret;
    expect(password.reveal()).toBe('correct horse');
    expect(inspect(inventory, { depth: 10 }) + JSON.stringify(inventory)).not.toContain('correct horse');
  });

  test('must not be readable by everyone', async () => {
    await writeFile(join(directory.path, 'pw'), 'correct horse\n');
    await chmod(join(directory.path, 'pw'), 0o644);
    expect(await problemsOf(directory.path, yaml)).toEqual([
      'inventory.yml:2:34 postgresql.superuser_password: the file pw can be read by everyone; run chmod 600 on it',
    ]);
  });

  test('replace one another as a whole', async () => {
    const options = { set: ['postgresql.superuser_password={env: PW}'], env: { PW: 'from the environment' } };
    const inventory = await load(directory.path, yaml, options);
    expect((inventory.hosts[0]?.vars['postgresql']?.['superuser_password'] as Secret).reveal()).toBe('from the environment');
  });

  test('may look like numbers in --set', async () => {
    const inventory = await load(directory.path, yaml, { set: ['postgresql.superuser_password=0123456789'] });
    expect((inventory.hosts[0]?.vars['postgresql']?.['superuser_password'] as Secret).reveal()).toBe('0123456789');
  });
});
