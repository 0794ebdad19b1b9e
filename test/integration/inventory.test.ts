import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pgprov } from './support/pgprov.js';

const PROGRAM = fileURLToPath(new URL('../../bin/pgprov.js', import.meta.url));

/** A good inventory; nothing answers at its addresses, which are for documentation. */
const GOOD = `cluster: demo
hosts:
  pg1: 192.0.2.11
  pg2: 192.0.2.12
  pg3: 192.0.2.13
`;

const TWO_HOSTS = GOOD.replace(/ {2}pg3.*\n/u, '');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgprov-inventory-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** An inventory file with that text. */
async function fileWith(text: string, name = 'inventory.yml'): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

describe('a bad inventory', () => {
  const cases: { what: string; text: string; says: RegExp[] }[] = [
    {
      what: 'not YAML',
      text: 'cluster: [unclosed\nhosts: {\n',
      says: [/inventory\.yml:2:1: not valid YAML/u],
    },
    { what: 'empty', text: '', says: [/inventory\.yml:1:1: the file is empty/u, /start with "cluster: NAME"/u] },
    { what: 'only a comment', text: '# nothing\n', says: [/inventory\.yml:1:1: .*empty/u] },
    {
      what: 'a list instead of a mapping',
      text: '- pg1\n- pg2\n',
      says: [/inventory\.yml:1:1: must hold a mapping at the top level, not a list/u],
    },
    { what: 'an unknown key', text: `${GOOD}hots: {}\n`, says: [/inventory\.yml:6:1 hots: unknown key/u, /did you mean "hosts"\?/u] },
    {
      what: 'an unknown variable',
      text: `${GOOD}postgresql:\n  prot: 5433\n`,
      says: [/inventory\.yml:7:3 postgresql\.prot: unknown key/u, /did you mean "port"\?/u],
    },
    {
      what: 'a wrong type',
      text: `${GOOD}postgresql:\n  port: five\n`,
      says: [/inventory\.yml:7:9 postgresql\.port: must be an integer from 1 to 65535, not "five"/u],
    },
    {
      what: 'a host twice',
      text: GOOD.replace('pg3', 'pg1'),
      says: [/inventory\.yml:5:3 hosts\.pg1: duplicate key; it is already on line 3/u],
    },
    {
      what: 'two hosts at one address',
      text: GOOD.replace('192.0.2.13', '192.0.2.11'),
      says: [/inventory\.yml:5:3 hosts\.pg3\.address: same address and SSH port as host pg1 \(line 3\): 192\.0\.2\.11 port 22/u],
    },
    {
      what: 'a cluster address twice',
      text: GOOD.replace('pg3: 192.0.2.13', 'pg3: {address: 192.0.2.13, cluster_address: 192.0.2.12}'),
      says: [/inventory\.yml:5:\d+ hosts\.pg3\.cluster_address: .*pg2/u],
    },
    {
      what: 'a role that does not exist',
      text: `${GOOD}roles: [base, postgresq]\n`,
      says: [/inventory\.yml:6:15 roles\[1\]: must be .* not "postgresq"/u, /did you mean "postgresql"\?/u],
    },
    {
      what: 'a role without the one it needs',
      text: `${GOOD}roles: [base, patroni]\n`,
      says: [/inventory\.yml:6:\d+.*patroni.*(?:postgresql|replication)/u],
    },
    {
      what: 'a group with an unknown host',
      text: `${GOOD}groups:\n  edge: {hosts: [pg2, pg9]}\n`,
      says: [/inventory\.yml:7:23 groups\.edge\.hosts\[1\]: no such host: "pg9"/u],
    },
    { what: 'no hosts', text: 'cluster: demo\nhosts: {}\n', says: [/inventory\.yml:2:8 hosts: .*at least one host/u] },
    { what: 'no cluster name', text: GOOD.replace('cluster: demo\n', ''), says: [/inventory\.yml:1:1.*cluster/u] },
    {
      what: 'a leader that is no host',
      text: `${GOOD}leader: pg7\n`,
      says: [/inventory\.yml:6:9 leader: no such host: "pg7"/u],
    },
    {
      what: 'a leader that cannot lead',
      text: `${GOOD.replace('pg3: 192.0.2.13', 'pg3: {address: 192.0.2.13, roles: [base, etcd]}')}leader: pg3\n`,
      says: [/inventory\.yml:6:9 leader: host "pg3" has no role "patroni" and cannot lead/u, /it can be pg1 or pg2/u],
    },
    {
      what: 'a cluster-wide variable that differs between hosts',
      text: `${GOOD.replace('pg3: 192.0.2.13', 'pg3: {address: 192.0.2.13, postgresql: {port: 5433}}')}`,
      says: [/inventory\.yml:5:\d+ .*postgresql\.port.*/u],
    },
  ];

  for (const { what, text, says } of cases) {
    it(`is refused by validate, plan and apply alike: ${what}`, async () => {
      const file = await fileWith(text);
      const [validate, plan, apply] = await Promise.all(['validate', 'plan', 'apply'].map((command) => pgprov(command, file)));
      expect(validate?.code).toBe(2);
      for (const pattern of says) expect(validate?.stderr).toMatch(pattern);
      expect(validate?.stderr).toMatch(/^error: /u);
      expect(validate?.stdout).toBe('');
      for (const other of [plan, apply]) expect([other?.code, other?.stdout, other?.stderr]).toEqual([2, '', validate?.stderr]);
    });
  }

  it('is reported with all its problems at once, in the order of the file', async () => {
    const file = await fileWith(`${GOOD}hots: {}\npostgresql:\n  prot: 1\n  port: x\ngroups:\n  edge: {hosts: [pg9]}\nleader: pg7\n`);
    const { code, stderr } = await pgprov('validate', file);
    expect(code).toBe(2);
    const places = [...stderr.matchAll(/inventory\.yml:(\d+:\d+)/gu)].map((match) => match[1]);
    expect(places).toEqual(['6:1', '8:3', '9:9', '11:18', '12:9']);
  });

  it('is refused when it does not exist, or is no file', async () => {
    for (const [path, words] of [
      [join(directory, 'nothing.yml'), /nothing\.yml: there is no such file/u],
      [directory, /is a directory, not an inventory file/u],
      [join(await fileWith(GOOD), 'below.yml'), /below\.yml: /u],
    ] as const) {
      for (const command of ['validate', 'show', 'plan', 'apply', 'status']) {
        const { code, stdout, stderr } = await pgprov(command, path);
        expect([command, code, stdout]).toEqual([command, 2, '']);
        expect(stderr).toMatch(words);
      }
    }
  });

  it('is refused when it may not be read', async () => {
    const file = await fileWith(GOOD, 'locked.yml');
    await chmod(file, 0o000);
    // Root may read anything, unless it is without these capabilities.
    const powers = '-dac_override,-dac_read_search';
    const asMere = process.getuid?.() === 0 ? ['setpriv', `--inh-caps=${powers}`, `--bounding-set=${powers}`] : [];
    const [command = '', ...words] = [...asMere, process.execPath, PROGRAM, 'validate', file];
    const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/locked\.yml: must not be read by the current user/u);
  });

  it('leaves no file beside it', async () => {
    const place = join(directory, 'clean');
    await mkdir(place);
    const file = join(place, 'inventory.yml');
    await writeFile(file, `${GOOD}hots: {}\n`);
    expect((await pgprov('apply', file)).code).toBe(2);
    expect(await readdir(place)).toEqual(['inventory.yml']);
  });
});

describe('a valid inventory', () => {
  it('is called valid, with its leader and hosts', async () => {
    const { code, stdout, stderr } = await pgprov('validate', await fileWith(GOOD));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/valid; cluster demo, first leader pg1, hosts pg1, pg2, pg3/u);
  });

  it('gives a warning for an even number of etcd members, with the reason', async () => {
    const { code, stderr } = await pgprov('validate', await fileWith(TWO_HOSTS));
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*:2:1 hosts: 2 etcd members tolerate no failure, the same as 1: a quorum needs 2 of them\n.*use 3/u);
  });

  it('gives a warning for a single etcd member, with the reason', async () => {
    const { code, stderr } = await pgprov('validate', await fileWith('cluster: demo\nhosts:\n  pg1: 192.0.2.11\n'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*:2:1 hosts: a single etcd member: when it fails, the cluster has no leader.*\n.*use three/u);
  });
});

describe('--set', () => {
  const cases: [value: string, says: RegExp][] = [
    ['postgresql.prot=1', /--set postgresql\.prot: postgresql has no key "prot"\n.*did you mean "postgresql\.port"\?/u],
    ['postgresql.port=abc', /--set postgresql\.port: must be an integer from 1 to 65535, not "abc"/u],
    ['pg7:postgresql.port=1', /--set pg7:postgresql\.port: no such host: "pg7"/u],
    ['postgresql.port', /--set postgresql\.port: has no "="\n.*write --set SECTION\.KEY=VALUE/u],
    ['pg1:patroni.ttl=40', /patroni\.ttl/u],
  ];
  for (const [value, says] of cases) {
    it(`is refused: ${value}`, async () => {
      const file = await fileWith(GOOD);
      const [validate, apply] = await Promise.all(['validate', 'apply'].map((command) => pgprov(command, file, '--set', value)));
      expect(validate?.code).toBe(2);
      expect(validate?.stderr).toMatch(says);
      expect([apply?.code, apply?.stderr]).toEqual([2, validate?.stderr]);
    });
  }
});

describe('show', () => {
  const TEXT = `${GOOD}groups:
  fast: {hosts: [pg2], postgresql: {parameters: {work_mem: 8MB}}}
postgresql:
  port: 5433
  superuser_password: hunter2-in-the-open
`;

  it('shows every value and its origin', async () => {
    const { code, stdout } = await pgprov('show', await fileWith(TEXT), '--set', 'pg2:etcd.quota_backend_bytes=100000000', '--host', 'pg2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^pg2 {2}192\.0\.2\.12/u);
    expect(stdout).not.toContain('192.0.2.11');
    expect(stdout).toMatch(/postgresql\.port +5433 +\S*inventory\.yml:9:9 \(top level\)/u);
    expect(stdout).toMatch(/postgresql\.parameters\.work_mem +8MB +\S*inventory\.yml:7:\d+ \(.*fast.*\)/u);
    expect(stdout).toMatch(/etcd\.client_port +2379 +default/u);
    expect(stdout).toMatch(/etcd\.quota_backend_bytes +100000000 +--set/u);
  });

  it('shows no secret', async () => {
    const { stdout, stderr } = await pgprov('show', await fileWith(TEXT));
    expect(stdout).toMatch(/postgresql\.superuser_password +\*\*\* +\S*inventory\.yml:10:\d+ \(top level\)/u);
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it('lists the hosts when the name is unknown', async () => {
    const { code, stderr } = await pgprov('show', await fileWith(TEXT), '--host', 'pg9');
    expect(code).toBe(2);
    expect(stderr).toContain('pg1, pg2, pg3');
  });
});

describe('the command line', () => {
  it('answers --help and --version', async () => {
    const help = await pgprov('--help');
    expect(help.code).toBe(0);
    for (const word of ['validate', 'show', 'plan', 'apply', 'status', 'roles', 'Exit codes']) expect(help.stdout).toContain(word);
    const version = await pgprov('--version');
    expect([version.code, version.stdout.trim()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/u)]);
    expect((await pgprov('apply', '--help')).stdout).toContain('--role');
  });

  it('refuses unknown options and commands', async () => {
    const file = await fileWith(GOOD);
    for (const [args, says] of [
      [['aply', file], /unknown command 'aply'[\s\S]*apply/u],
      [['apply', file, '--hosts', 'pg1'], /unknown option '--hosts'[\s\S]*--host/u],
      [['apply'], /no inventory is named.*\n.*→ name one, or set PGPROV_INVENTORY; .*use --vagrant/u],
      [['apply', file, file], /too many arguments/u],
      [['apply', file, '--output', 'xml'], /--output "xml" is none of its values[\s\S]*tree, plain, json/u],
      [[], /Usage: pgprov/u],
    ] as const) {
      const { code, stdout, stderr } = await pgprov(...args);
      expect([args, code, stdout]).toEqual([args, 2, '']);
      expect(stderr).toMatch(says);
    }
  });

  it('shows the roles and their variables', async () => {
    const roles = await pgprov('roles');
    expect(roles.code).toBe(0);
    for (const name of ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'])
      expect(roles.stdout).toMatch(new RegExp(`^${name} +\\S`, 'mu'));
    const patroni = await pgprov('roles', 'patroni');
    expect(patroni.code).toBe(0);
    expect(patroni.stdout).toMatch(/patroni\.ttl \(integer, default 30; change: reload\)\n +\S/u);
    expect(patroni.stdout).toMatch(/Requires.*postgresql, replication/u);
    const nothing = await pgprov('roles', 'nosuch');
    expect([nothing.code, nothing.stdout]).toEqual([2, '']);
    expect(nothing.stderr).toMatch(/there is no role "nosuch"[\s\S]*base, firewall, pgdg/u);
  });
});
