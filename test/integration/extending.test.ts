import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { appendFile, chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../src/lib/package-root.js';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { type Guide, readGuide, writeFiles } from './support/guide.js';
import { must, patronictl, sql } from './support/outside.js';
import { pgprov, type Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

/** A second role, in JavaScript, that adds a library and nothing else. */
const EXPLAIN = `import { defineRole } from 'pgprov';
export default defineRole({
  name: 'explain',
  description: 'Plans of slow statements in the log.',
  requires: ['postgresql'],
  variables: { type: 'object', properties: {} },
  contributes: () => ({ postgresql: { parameters: { shared_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '1s' } } }),
  stages: () => [],
});
`;

let guide: Guide;
/** That of operations, whose code stands beside the roles. */
let operations: Guide;
let cluster: TestCluster;
let members: LabHost[];
/** The fourth host, on which the guide's balancer comes to run; the other inventories leave it out. */
let balancer: LabHost;
const WITHOUT_BALANCER = { hosts: { pg4: undefined } };

/** Runs a command of the guide in the cluster's directory. */
function type(command: string): Promise<Finished> {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('pgprov');
  return pgprov(...words.map((word) => (word === 'inventory.yml' ? cluster.file : word)));
}

/** Runs commands of the guide, all of which must succeed and warn of nothing; gives what those printed that begin so. */
async function typeAll(commands: readonly string[]): Promise<(start: string) => string> {
  const ended = new Map<string, Finished>();
  for (const command of commands) ended.set(command, await type(command));
  expect(Object.fromEntries([...ended].map(([command, { code, stderr }]) => [command, `${code} ${stderr}`]))).toEqual(
    Object.fromEntries(commands.map((command) => [command, '0 '])),
  );
  return (start) => ended.get(commands.find((command) => command.startsWith(start)) ?? '')?.stdout ?? '';
}

/** Where the commands about types begin; those of the balancer come after them. */
const TYPES = (): number => guide.commands.indexOf('npm link pgprov');

describe('docs/extending.md', () => {
  beforeAll(async () => {
    guide = await readGuide('extending.md');
    operations = await readGuide('operations.md');
    cluster = await TestCluster.start('extending', 'debian13', 4, 'packages');
    members = cluster.hosts.slice(0, 3);
    balancer = cluster.host('pg4');
    await writeFiles(cluster.directory, [...guide.files, ...operations.files]);
    // The guide's inventory with the hosts of the lab.
    const { ssh: _ssh, hosts: _hosts, ...settings } = parse(guide.files.get('inventory.yml') ?? '') as Record<string, object>;
    await cluster.write({ ...settings, ...WITHOUT_BALANCER });
  });
  afterAll(() => cluster.remove());

  it('has code that fits the types of the package, resolved as a linked package, as that of docs/operations.md has', async () => {
    expect(guide.commands.slice(TYPES(), TYPES() + 2)).toEqual(['npm link pgprov', 'npx tsc -p tsconfig.json']);
    await mkdir(join(cluster.directory, 'node_modules'));
    await symlink(packageRoot(), join(cluster.directory, 'node_modules', 'pgprov'));
    const tsc = join(packageRoot(), 'node_modules', 'typescript', 'bin', 'tsc');
    const check = (): Promise<unknown> => promisify(execFile)(process.execPath, [tsc, '-p', join(cluster.directory, 'tsconfig.json')]);
    await check();
    const wrong = join(cluster.directory, 'roles', 'shared', 'wrong.ts');
    await writeFiles(cluster.directory, [
      ['roles/shared/wrong.ts', "import { defineRole } from 'pgprov';\nexport default defineRole({ name: 1 });\n"],
    ]);
    await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining('wrong.ts(2,') });
    await rm(wrong);
  });

  it('has commands that do what the page says', async () => {
    const printed = await typeAll(guide.commands.slice(0, TYPES()));
    expect(printed('pgprov roles')).toContain('pg_stat_statements.max (integer, default 5000');
    expect(printed('pgprov show')).toMatch(
      /postgresql\.parameters\.shared_preload_libraries +pg_stat_statements +role pg_stat_statements/u,
    );
    expect(printed('pgprov plan')).toContain('create extension pg_stat_statements');
  });

  it('leads to a cluster with the extension, according to PostgreSQL itself', async () => {
    for (const host of members) {
      expect(await sql(host, 'SHOW shared_preload_libraries')).toBe('pg_stat_statements');
      expect(await sql(host, 'SHOW pg_stat_statements.max')).toBe('2000');
      expect(await sql(host, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")).toBe('1');
      expect(await must(host, 'runuser -u postgres -- pg-top-statements')).toMatch(/calls \| +ms +\| +query/u);
    }
  });

  it('has nothing left to do for a second apply', async () => {
    const { code, stdout } = await pgprov('apply', cluster.file, '--yes');
    expect([code, stdout]).toEqual([0, expect.stringContaining('no changes')]);
  });

  describe('the balancer', () => {
    /** What a request for the statistics gets from a host: the code of the answer, or 000 where none comes. */
    const statistics = async (from: LabHost): Promise<string> =>
      (await from.exec('curl -s -m 3 -o /dev/null -w %{http_code} --cacert /etc/etcd/tls/ca.crt https://lb1:8404/')).stdout;
    /** What PostgreSQL says through the balancer of whether it is a standby; '' where no connection comes about. */
    const throughBalancer = async (from: LabHost): Promise<string> => {
      const password = await cluster.password('postgresql.superuser_password');
      const query = `psql -XAtq -h lb1 -p 5000 -U postgres -d postgres -c 'SELECT pg_is_in_recovery()'`;
      return (await from.exec(`PGCONNECT_TIMEOUT=3 PGPASSWORD=${password} ${query}`)).stdout.trim();
    };
    const presented = (): Promise<string> =>
      must(balancer, 'openssl s_client -connect localhost:8404 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256');

    it('is set up by the commands of the guide, and shown by status and certs status', async () => {
      const {
        hosts,
        postgresql,
        ssh: _ssh,
        ...settings
      } = parse(guide.later.get('inventory.yml with the balancer') ?? '') as {
        hosts: { lb1: { balancer: object } };
        postgresql: { version: number; hba: string[] };
        ssh: object;
      };
      const [pg1, pg2] = members as [LabHost, LabHost];
      const lb1 = { ...hosts.lb1, address: balancer.address, firewall: { backend: 'ufw' } };
      await cluster.write({
        ...settings,
        firewall: { client_networks: [pg1.address] },
        hosts: { pg4: undefined, lb1: { ...lb1, balancer: { ...hosts.lb1.balancer, admin_networks: [pg2.address] } } },
        postgresql: { hba: postgresql.hba.map((line) => line.replace(/\S+\/32/u, `${balancer.address}/32`)) },
      });
      const printed = await typeAll(guide.commands.slice(TYPES() + 2));
      expect(printed('pgprov status')).toMatch(/^✔ lb1 +balancer: sends connections to pg1$/mu);
      expect(printed('pgprov certs status')).toMatch(/^lb1 +balancer .* as in the store .* db\.example\.com$/mu);
      expect((await cluster.run('plan', '--detailed-exitcode')).code).toBe(0);
    });

    it('is open to the clients that the role names, with a certificate of the cluster’s authority, and to nobody else', async () => {
      const [pg1, pg2, pg3] = members as [LabHost, LabHost, LabHost];
      expect(await Promise.all([pg1, pg2, pg3].map(throughBalancer))).toEqual(['f', '', '']);
      expect(await Promise.all([pg1, pg2, pg3].map(statistics))).toEqual(['000', '200', '000']);
    });

    it('uses the key pair that certs renew gives it', async () => {
      const before = await presented();
      const renewed = await pgprov('certs', 'renew', cluster.file, '--all', '--host', 'lb1', '--yes');
      expect(renewed.code, renewed.all).toBe(0);
      expect(await presented()).not.toBe(before);
      const stored = await readFile(join(cluster.directory, '.pgprov', 'demo', 'pki', 'nodes', 'lb1.crt'), 'utf8');
      expect(await presented()).toContain(new X509Certificate(stored).fingerprint256);
    });

    it('makes the cluster unhealthy when it is down', async () => {
      await must(balancer, 'systemctl stop haproxy');
      const told = await cluster.run('status', '--json');
      expect(told.code).toBe(1);
      const { services, problems } = JSON.parse(told.stdout) as { services: object[]; problems: string[] };
      expect(services).toEqual([{ host: 'lb1', role: 'balancer', text: 'HAProxy does not answer', level: 'problem' }]);
      expect(problems).toEqual(['lb1: balancer: HAProxy does not answer']);
    });
  });

  it('reports the pending restart when a role adds a library to a running cluster', async () => {
    await writeFiles(cluster.directory, [['roles/explain.js', EXPLAIN]]);
    const { rolesPath, roles, ...rest } = parse(guide.files.get('inventory.yml') ?? '') as {
      rolesPath: string;
      roles: string[];
      ssh: object;
      hosts: object;
    };
    const { ssh: _ssh, hosts: _hosts, ...settings } = rest;
    await cluster.write({ ...settings, ...WITHOUT_BALANCER, rolesPath, roles: [...roles, 'explain'] });
    const applied = await cluster.run('apply');
    expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('restart pending for shared_preload_libraries')]);
    // Patroni marks a member when its loop comes round.
    const pending = async (): Promise<unknown[]> =>
      (JSON.parse(await patronictl(cluster.host('pg1'), 'list -f json')) as object[]).filter((member) => 'Pending restart' in member);
    await vi.waitFor(async () => expect(await pending()).toHaveLength(3), { timeout: patience(30_000), interval: 1_000 });
    await patronictl(cluster.host('pg1'), 'restart demo --pending --force');
    for (const host of members) expect(await sql(host, 'SHOW shared_preload_libraries')).toBe('auto_explain,pg_stat_statements');
    expect((await cluster.run('diff')).code).toBe(0);
  });

  describe('docs/operations.md, “An operation of your own”', () => {
    const lsn = (): Promise<string> => sql(cluster.host('pg1'), 'SELECT checkpoint_lsn FROM pg_control_checkpoint()');

    it('has commands that do what the page says', async () => {
      const before = await lsn();
      const ended = new Map<string, Finished>();
      const seen = new Map<string, string>();
      for (const command of operations.commands) {
        ended.set(
          command,
          await pgprov(
            ...command
              .split(' ')
              .slice(1)
              .map((word) => (word === 'inventory.yml' ? cluster.file : word)),
          ),
        );
        seen.set(command, await lsn());
      }
      // Away from a terminal an operation says what it looks at, and nothing else.
      const trouble = (stderr: string): string => stderr.replace(/^looking at .*\n/u, '');
      expect(Object.fromEntries([...ended].map(([command, { code, stderr }]) => [command, `${code} ${trouble(stderr)}`]))).toEqual(
        Object.fromEntries(operations.commands.map((command) => [command, '0 '])),
      );
      const of = <Value>(map: ReadonlyMap<string, Value>, end: string): Value | undefined =>
        map.get(operations.commands.find((command) => command.endsWith(end)) ?? '');
      expect(of(ended, '--help')?.stdout).toContain('--older-than <minutes>');
      expect(of(ended, '--check')?.stdout).toContain('1. write a checkpoint on pg1');
      expect(of(seen, '--check')).toBe(before);
      expect(of(ended, 'inventory.yml --yes')?.stdout).toContain('the checkpoint is written');
      expect(of(seen, 'inventory.yml --yes')).not.toBe(before);
      expect(of(ended, '--older-than 60 --yes')?.stdout).toContain('the last checkpoint of pg1 is less than 60 minutes old');
      expect(of(seen, '--older-than 60 --yes')).toBe(of(seen, 'inventory.yml --yes'));
      expect(of(ended, 'pgprov runs inventory.yml')?.stdout).toMatch(/done +1 +operate checkpoint$/mu);
    });

    it('names the file and line of a defect, and refuses other runs until the operation is finished', async () => {
      const text = operations.files.get('roles/operations/checkpoint.ts') ?? '';
      // Comes to its step, whose checkpoint is written, and breaks at what is seen then.
      await writeFiles(cluster.directory, [
        [
          'roles/operations/checkpoint.ts',
          text.replace(
            '  return seen !== undefined &&',
            '  if (seen?.lsn !== last) throw new Error("boom");\n  return seen !== undefined &&',
          ),
        ],
      ]);
      const broken = await pgprov('operate', 'checkpoint', cluster.file, '--yes');
      expect([broken.code, broken.all]).toEqual([2, expect.stringMatching(/operation checkpoint, \S+checkpoint\.ts:\d+:\d+: boom/u)]);
      const refused = await cluster.run('apply');
      expect([refused.code, refused.all]).toEqual([
        4,
        expect.stringContaining(`finish it with \`pgprov operate checkpoint ${cluster.file}\``),
      ]);
      await writeFiles(cluster.directory, [['roles/operations/checkpoint.ts', text]]);
      const finished = await pgprov('operate', 'checkpoint', cluster.file, '--yes', '--resume');
      expect([finished.code, finished.all]).toEqual([0, expect.stringContaining('resuming the operate checkpoint')]);
      expect((await cluster.run('diff')).code).toBe(0);
    });
  });

  it('refuses a plan when a role has changed since it was made', async () => {
    const plan = join(cluster.directory, 'plan.json');
    expect((await pgprov('plan', cluster.file, '-o', plan)).code).toBe(0);
    await appendFile(join(cluster.directory, 'roles', 'templates', 'pg_stat_statements', 'pg-top-statements.hbs'), '# more\n');
    const refused = await pgprov('apply', plan, '--yes');
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('a role or template in')]);
  });

  it('refuses roles that everyone may write', async () => {
    await chmod(join(cluster.directory, 'roles'), 0o777);
    const refused = await cluster.run('status');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('everyone may write to it')]);
  });
});
