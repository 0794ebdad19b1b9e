import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { hostBlocks, hostNames } from '../../../src/cli/lab/host-blocks.js';
import { openLab, type Lab, type LabPlace } from '../../../src/cli/lab/lab.js';
import { readStates } from '../../../src/cli/lab/vagrant.js';
import { locate } from '../../../src/cli/locate.js';
import { asPgprovError } from '../../../src/lib/errors.js';
import type { Secret } from '../../../src/lib/secret.js';
import { keyPair, makeStore } from '../../secrets/support.js';
import { freshDirectory } from '../../support/directory.js';

const directory = freshDirectory();
const KEPT = '.vagrant/provisioners/pgprov';

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(directory.at(name)), { recursive: true });
    await writeFile(directory.at(name), text);
  }
}

interface Told {
  running?: boolean;
  id?: string | null;
  address?: string | null;
}

/** What `vagrant ssh-config` says of a machine. */
function block(name: string, port: number): string {
  return `Host ${name}\n  HostName 127.0.0.1\n  User vagrant\n  Port ${port}\n  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  IdentityFile /keys/${name}\n  IdentitiesOnly yes\n`;
}

/** A project with machines as Vagrant and its plugin leave them. */
async function project(
  machines: Readonly<Record<string, Told>>,
  settings: object = {},
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  await rm(directory.at('.vagrant/machines'), { recursive: true, force: true });
  const told = Object.entries(machines).map(
    ([name, { running = true, id = `id-of-${name}`, address = `10.1.0.${name.slice(2)}` }], index) => ({
      name,
      id,
      running,
      address,
      ssh_config: running ? block(name, 2200 + index) : null,
    }),
  );
  await write({
    Vagrantfile: '',
    [`${KEPT}/lab.json`]: JSON.stringify({ machines: told, due: [], inventory: null, groups: {}, host_vars: {}, ...settings }),
    ...Object.fromEntries(told.flatMap(({ name, id }) => (id === null ? [] : [[`.vagrant/machines/${name}/docker/id`, id]]))),
    ...more,
  });
}

const THREE = { pg1: {}, pg2: {}, pg3: {} };

function open(inventory?: string, place: LabPlace = { vagrant: directory.path }): Promise<Lab> {
  return openLab(inventory, place, {});
}

async function made(): Promise<Record<string, unknown>> {
  return parse(await readFile(directory.at(KEPT, 'inventory.yml'), 'utf8')) as Record<string, unknown>;
}

/** `kind: message` of what opening or loading ends with, without the directory. */
async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { kind, message } = asPgprovError(error);
    return `${kind}: ${message}`.replaceAll(`${directory.path}/`, '').replaceAll(directory.path, 'DIR');
  }
  throw new Error('nothing was refused');
}

describe('the inventory of a lab', () => {
  const hosts = {
    pg1: { address: 'pg1', cluster_address: '10.1.0.1' },
    pg2: { address: 'pg2', cluster_address: '10.1.0.2' },
    pg3: { address: 'pg3', cluster_address: '10.1.0.3' },
  };
  const base = { cluster: 'lab', ssh: { config: 'ssh-config' }, hosts };

  interface Case {
    name: string;
    machines?: Record<string, Told>;
    settings?: object;
    inventory?: string;
    is: Record<string, unknown>;
  }

  it.each<Case>([
    { name: 'needs nothing but machines', is: base },
    {
      name: 'is refined by a file beside the Vagrantfile',
      inventory: 'cluster: mine\npostgresql: {version: 16}\n',
      is: { ...base, cluster: 'mine', postgresql: { version: 16 } },
    },
    { name: 'ignores that file when the Vagrantfile says so', settings: { inventory: false }, inventory: 'cluster: mine\n', is: base },
    {
      name: 'has the machines that the file lists, in its order',
      inventory: 'hosts: {pg3: , pg1: }\n',
      is: { ...base, hosts: { pg3: hosts.pg3, pg1: hosts.pg1 } },
    },
    {
      name: 'has Vagrant’s connection settings, whatever the file says',
      inventory:
        'ssh: {user: admin, port: 22, identity_file: ~/id, config: false, become: sudo}\nhosts: {pg1: 192.0.2.1, pg2: {address: 192.0.2.2, ssh: {jump: a@b}}}\n',
      is: { ...base, ssh: { config: 'ssh-config', become: 'sudo' }, hosts: { pg1: hosts.pg1, pg2: hosts.pg2 } },
    },
    {
      name: 'has the cluster_address of the file',
      inventory: 'hosts: {pg1: {cluster_address: 10.2.0.1}, pg2: , pg3: }\n',
      is: { ...base, hosts: { ...hosts, pg1: { address: 'pg1', cluster_address: '10.2.0.1' } } },
    },
    {
      name: 'gives the Vagrantfile precedence over the file',
      settings: {
        groups: { replicas: ['pg2', 'pg3'], big: { hosts: ['pg1'], postgresql: { version: 16 } } },
        host_vars: { pg3: { ssh: { user: 'me' }, patroni: { ttl: 40 } } },
      },
      inventory: 'groups: {big: {hosts: [pg1], postgresql: {version: 15, name: old}}}\n',
      is: {
        ...base,
        groups: { big: { hosts: ['pg1'], postgresql: { version: 16, name: 'old' } }, replicas: { hosts: ['pg2', 'pg3'] } },
        hosts: { ...hosts, pg3: { ...hosts.pg3, ssh: { user: 'me' }, patroni: { ttl: 40 } } },
      },
    },
    {
      name: 'takes only what concerns its machines from the Vagrantfile',
      settings: { groups: { all: ['pg1', 'pg2', 'pg3'] }, host_vars: { pg2: { patroni: { ttl: 40 } } } },
      inventory: 'hosts: {pg1: , pg3: }\n',
      is: { ...base, groups: { all: { hosts: ['pg1', 'pg3'] } }, hosts: { pg1: hosts.pg1, pg3: hosts.pg3 } },
    },
    {
      name: 'finds files relative to the file and the Vagrantfile',
      settings: { host_vars: { pg1: { ssh: { identity_file: 'keys/id' } } } },
      inventory: 'ssh: {become_password: {file: secret}}\n',
      is: {
        ...base,
        ssh: { config: 'ssh-config', become_password: { file: 'DIR/secret' } },
        hosts: { ...hosts, pg1: { ...hosts.pg1, ssh: { identity_file: 'DIR/keys/id' } } },
      },
    },
    {
      name: 'keeps a machine that is down, and begins with one that runs',
      machines: { pg1: { running: false }, pg2: {}, pg3: {} },
      is: { ...base, leader: 'pg2' },
    },
    {
      name: 'keeps a machine that is not made yet, if its address is known',
      machines: { pg1: {}, pg2: {}, pg3: { running: false, id: null } },
      is: base,
    },
    {
      name: 'leaves out a machine of which nothing is known',
      machines: { pg1: {}, pg2: {}, pg3: { running: false, id: null, address: null } },
      is: { ...base, hosts: { pg1: hosts.pg1, pg2: hosts.pg2 } },
    },
  ])('$name', async ({ machines = THREE, settings, inventory, is }) => {
    await project(machines, settings, inventory === undefined ? {} : { 'inventory.yml': inventory });
    await open();
    expect(JSON.parse(JSON.stringify(await made()).replaceAll(directory.path, 'DIR'))).toEqual(is);
  });

  it('is readable by its owner alone', async () => {
    await project(THREE);
    const { file } = await open();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('loads with the two addresses of each machine and Vagrant’s connection settings', async () => {
    await project(THREE, {}, { 'inventory.yml': 'ssh: {user: nobody}\n' });
    const inventory = await (await open()).load(undefined, 'fetch');
    expect(inventory.warnings).toEqual([]);
    expect(
      inventory.hosts.map(({ name, clusterAddress, ssh }) => [
        name,
        clusterAddress,
        `${ssh.user}@${ssh.address}:${ssh.port}`,
        ssh.identities,
        ssh.hostKeys.policy,
        ssh.hostKeyAlias,
      ]),
    ).toEqual(
      [1, 2, 3].map((number) => [
        `pg${number}`,
        `10.1.0.${number}`,
        `vagrant@127.0.0.1:${2199 + number}`,
        { files: [`/keys/pg${number}`], only: true },
        'accept-new',
        `pg${number}-idofpg${number}`,
      ]),
    );
    expect(inventory.hosts[0]?.ssh.hostKeys.files).toEqual([directory.at(KEPT, 'known_hosts')]);
  });

  it('never contains a foreign host of the same name', async () => {
    await project({ ...THREE, pg3: { running: false } });
    const { hosts: loaded } = await (await open()).load(undefined, 'fetch');
    expect(loaded.map(({ ssh }) => ssh.address)).toEqual(['127.0.0.1', '127.0.0.1', 'pg3.not-running.invalid']);
  });

  it('reports mistakes at the place where they were made', async () => {
    await project(THREE, {}, { 'inventory.yml': 'postgresql:\n  version: 17\n  prot: 1\nhosts:\n  pg1: {patroni: {ttl: 1}}\n  pg2: \n' });
    const lab = await open();
    const message = await refusal(() => lab.load(undefined, 'fetch'));
    expect(message).toContain('inventory.yml:3:3 postgresql.prot: ');
    expect(message).toContain('inventory.yml:5:24 hosts.pg1.patroni.ttl: ');
    await project(THREE, {}, { 'inventory.yml': 'postgresql:\n  version: 17\n' });
    const { hosts: loaded } = await (await open()).load(undefined, 'fetch');
    expect(loaded[1]?.provenance.get('postgresql.version')).toMatchObject({ file: directory.at('inventory.yml'), line: 2, column: 12 });
  });
});

describe('what is known about machines', () => {
  it('stays known while they are down, when Vagrant cannot say how they were reached', async () => {
    await project(THREE);
    await open();
    await project({ ...THREE, pg3: { running: false, address: null } });
    const lab = await open();
    expect([lab.running, lab.down]).toEqual([['pg1', 'pg2'], ['pg3']]);
    const [, , pg3] = (await lab.load(undefined, 'fetch')).hosts;
    expect([pg3?.clusterAddress, pg3?.ssh.port]).toEqual(['10.1.0.3', 2202]);
  });

  it('makes a run leave out the machines that are down, unless hosts are selected', async () => {
    await project({ ...THREE, pg3: { running: false } });
    const at = { vagrant: directory.path };
    expect((await locate(undefined, at, true)).options).toMatchObject({ host: ['pg1', 'pg2'] });
    for (const [options, aims] of [
      [at, false],
      [{ ...at, host: ['pg3'] }, true],
      [{ ...at, group: ['x'] }, true],
      [{ ...at, resume: true }, true],
    ] as const) {
      const located = await locate(undefined, options as { vagrant: string; host?: string[] }, aims);
      expect(located.options.host).toEqual('host' in options ? options.host : undefined);
    }
  });

  it('is kept when a single machine was destroyed', async () => {
    await project(THREE);
    await open();
    const gone = { ...THREE, pg3: { running: false, id: null, address: null } };
    for (const _ of [1, 2]) {
      await project(gone);
      expect((await open()).down).toEqual(['pg3']);
    }
    await project({ ...THREE, pg3: { id: 'another' } });
    expect((await open()).notes).toEqual([expect.stringMatching(/^pg3 was made anew/u)]);
  });

  it('is forgotten, with the keys of the cluster, when all machines were made anew, and kept when one was', async () => {
    const store = { [`${KEPT}/.pgprov/lab/passwords.yml`]: 'x: y\n' };
    await project(THREE, {}, store);
    await open();
    await project({ ...THREE, pg1: { id: 'another' } });
    await open();
    expect(existsSync(directory.at(KEPT, '.pgprov'))).toBe(true);
    await project({ pg1: { id: 'a' }, pg2: { id: 'b' }, pg3: { id: 'c' } });
    await open();
    expect(existsSync(directory.at(KEPT, '.pgprov'))).toBe(false);
    expect(await readFile(directory.at(KEPT, 'ssh-config'), 'utf8')).toContain('HostKeyAlias pg1-a\n');
  });
});

describe('an invalid lab', () => {
  it.each<{ name: string; files?: Record<string, string>; place?: string; ssh?: string; inventory?: string; refused: string }>([
    { name: 'no such directory', place: 'nosuch', refused: 'vagrant/no-directory: --vagrant nosuch: there is no such directory' },
    {
      name: 'a file',
      files: { 'a.yml': '' },
      place: 'a.yml',
      refused: 'vagrant/no-directory: --vagrant a.yml: that is a file, not the directory of a Vagrantfile',
    },
    { name: 'no Vagrantfile', refused: 'vagrant/no-vagrantfile: there is no Vagrantfile in DIR, nor in a directory above it' },
    { name: 'no machine', files: { Vagrantfile: '' }, refused: 'vagrant/none-running: no machine of DIR is running' },
    { name: 'no file for SSH', ssh: 'nosuch', refused: 'lab/no-ssh-config: --ssh-config nosuch: there is no such file' },
    {
      name: 'an ssh-config without a host',
      files: { ssh: 'Host *\n  Port 1\nHost a? !b\n' },
      ssh: 'ssh',
      refused: 'lab/no-hosts: --ssh-config ssh: no `Host` line in it names a host',
    },
  ])('is refused: $name', async ({ files = {}, place = '', ssh, refused }) => {
    await write(files);
    const at = (name: string): string => (name === '' ? directory.path : directory.at(name));
    expect(await refusal(() => open(undefined, ssh === undefined ? { vagrant: at(place) } : { sshConfig: at(ssh) }))).toBe(refused);
  });

  it.each<{ name: string; machines?: Record<string, Told>; settings?: object; inventory?: string; named?: string; refused: string }>([
    {
      name: 'no machine running',
      machines: { pg1: { running: false }, pg2: { running: false } },
      refused: 'vagrant/none-running: no machine of DIR is running',
    },
    {
      name: 'a host that is no machine',
      inventory: 'hosts:\n  pg1:\n  db9: 10.0.0.9\n',
      refused: 'inventory/invalid: inventory.yml:3:3 hosts.db9: is no machine of this lab\n    machines: pg1, pg2, pg3',
    },
    {
      name: 'settings for no machine',
      settings: { host_vars: { db9: {} } },
      refused: "lab/unknown-host: the Vagrantfile's host_vars name db9, which is no machine of the cluster",
    },
    { name: 'an inventory that is not there', named: 'nosuch.yml', refused: 'inventory/invalid: nosuch.yml: there is no such file' },
    {
      name: 'an inventory that is a list',
      inventory: '- a\n',
      refused: 'inventory/invalid: inventory.yml:1:1: must hold a mapping at the top level',
    },
    {
      name: 'an address that nobody knows',
      machines: { pg1: {}, pg2: { running: false, address: null } },
      refused: 'lab/no-address: pg2 is not running, and its address in the cluster was never seen',
    },
  ])('is refused: $name', async ({ machines = THREE, settings, inventory, named, refused }) => {
    await project(machines, settings, inventory === undefined ? {} : { 'inventory.yml': inventory });
    expect(await refusal(() => open(named === undefined ? undefined : directory.at(named)))).toBe(refused);
  });

  it('is refused when a file of the plugin is broken', async () => {
    await project(THREE, {}, { [`${KEPT}/lab.json`]: '{' });
    expect(await refusal(open)).toBe(`vagrant/plugin-file: ${KEPT}/lab.json is not what the Vagrant plugin writes`);
  });

  it('is refused without an inventory and a lab', async () => {
    expect(await refusal(() => locate(undefined, {}, true))).toBe(
      'cli/no-inventory: no inventory is named, and there is no inventory.yml in this directory',
    );
  });
});

describe('the output of Vagrant', () => {
  it('is split by host', () => {
    expect([...hostBlocks(`${block('pg1', 1)}\n${block('pg2', 2)}`)]).toEqual([
      ['pg1', block('pg1', 1)],
      ['pg2', block('pg2', 2)],
    ]);
    expect(hostNames('Host a b\n  HostName c\nhost="d"\nHost *.e !f g?\n#Host h\n  Host\tj\r\n')).toEqual(['a', 'b', 'd', 'j']);
  });

  it('contains states', () => {
    expect([
      ...readStates(
        '1,pg1,metadata,provider,docker\n1,pg1,state,running\n1,,ui,info,state\n2,pg2,state,not_created\n2,pg2,state-human-short,x\n',
      ),
    ]).toEqual([
      ['pg1', 'running'],
      ['pg2', 'not_created'],
    ]);
  });
});

describe('secrets of a lab’s inventory', () => {
  it('are found relative to the file that names them, not to its copy', async () => {
    const mine = 'superuser_password: {age: secrets.age, key: superuser}}\nreplication: {password: {command: [./here]}}\n';
    await write({ ssh: `${block('pg1', 1)}\n`, 'my.yml': `hosts: {pg1: {cluster_address: 10.1.0.1}}\npostgresql: {${mine}` });
    const me = await keyPair();
    await makeStore(directory.path, { superuser: 'of the store' }, me);
    await writeFile(directory.at('here'), '#!/bin/sh\npwd\n');
    await chmod(directory.at('here'), 0o755);
    vi.stubEnv('PGPROV_AGE_KEY', me.identity);
    const lab = await open(directory.at('my.yml'), { sshConfig: directory.at('ssh') });
    const [host] = (await lab.load(undefined, 'fetch')).hosts;
    vi.unstubAllEnvs();
    const passwords = [host?.vars['postgresql']?.['superuser_password'], host?.vars['replication']?.['password']];
    expect(passwords.map((secret) => (secret as Secret).reveal())).toEqual(['of the store', directory.path]);
  });
});

describe('an ssh-config', () => {
  const TWO = `${block('pg1', 1)}\n${block('pg2', 2)}`;

  it('gets its own file for host keys if it throws them away, and is otherwise used as it is', async () => {
    await write({
      ssh: `${TWO}\nHost own\n  HostName 192.0.2.9\n  StrictHostKeyChecking yes\n`,
      'my.yml': 'hosts: {pg1: {cluster_address: 10.1.0.1}, own: {cluster_address: 10.1.0.2}}\n',
    });
    const { hosts } = await (await open(directory.at('my.yml'), { sshConfig: directory.at('ssh') })).load(undefined, 'fetch');
    expect(
      hosts.map(({ name, ssh }) => [
        name,
        ssh.address,
        ssh.user === 'vagrant',
        ssh.hostKeys.policy,
        ssh.hostKeys.files[0] === directory.at('ssh.pgprov', 'known_hosts'),
        ssh.hostKeyAlias,
      ]),
    ).toEqual([
      ['pg1', '127.0.0.1', true, 'accept-new', true, 'pg1'],
      ['own', '192.0.2.9', false, 'strict', false, undefined],
    ]);
  });
});
