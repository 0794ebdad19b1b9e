import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../src/lib/package-root.js';
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
let cluster: TestCluster;

/** Runs a command of the guide in the cluster's directory. */
function type(command: string): Promise<Finished> {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('pgprov');
  return pgprov(...words.map((word) => (word === 'inventory.yml' ? cluster.file : word)));
}

describe('docs/extending.md', () => {
  beforeAll(async () => {
    guide = await readGuide('extending.md');
    cluster = await TestCluster.start('extending', 'debian13', 3, 'packages');
    await writeFiles(cluster.directory, guide.files);
    // The guide's inventory with the hosts of the lab.
    const { ssh: _ssh, hosts: _hosts, ...settings } = parse(guide.files.get('inventory.yml') ?? '') as Record<string, object>;
    await cluster.write(settings);
  });
  afterAll(() => cluster.remove());

  it('has code that fits the types of the package, found as a linked package is', async () => {
    expect(guide.commands.slice(-2)).toEqual(['npm link pgprov', 'npx tsc -p tsconfig.json']);
    await mkdir(join(cluster.directory, 'node_modules'));
    await symlink(packageRoot(), join(cluster.directory, 'node_modules', 'pgprov'));
    const tsc = join(packageRoot(), 'node_modules', 'typescript', 'bin', 'tsc');
    const check = (): Promise<unknown> => promisify(execFile)(process.execPath, [tsc, '-p', join(cluster.directory, 'tsconfig.json')]);
    await check();
    const wrong = join(cluster.directory, 'roles', 'shared', 'wrong.ts');
    await writeFiles(cluster.directory, [['roles/shared/wrong.ts', "import { defineRole } from 'pgprov';\nexport default defineRole({ name: 1 });\n"]]);
    await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining('wrong.ts(2,') });
    await rm(wrong);
  });

  it('has commands that do what it says', async () => {
    const commands = guide.commands.filter((command) => command.startsWith('pgprov '));
    const ended = new Map<string, Finished>();
    for (const command of commands) ended.set(command, await type(command));
    expect(Object.fromEntries([...ended].map(([command, { code, stderr }]) => [command, `${code} ${stderr}`]))).toEqual(Object.fromEntries(commands.map((command) => [command, '0 '])));
    const printed = (start: string): string => ended.get(commands.find((command) => command.startsWith(start)) ?? '')?.stdout ?? '';
    expect(printed('pgprov roles')).toContain('pg_stat_statements.max (integer, default 5000');
    expect(printed('pgprov show')).toMatch(/postgresql\.parameters\.shared_preload_libraries +pg_stat_statements +role pg_stat_statements/u);
    expect(printed('pgprov plan')).toContain('create extension pg_stat_statements');
  });

  it('leaves a cluster with the extension, as PostgreSQL itself says', async () => {
    for (const host of cluster.hosts) {
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

  it('says which restart is pending when a role adds a library to a running cluster', async () => {
    await writeFiles(cluster.directory, [['roles/explain.js', EXPLAIN]]);
    const { rolesPath, roles, ...rest } = parse(guide.files.get('inventory.yml') ?? '') as { rolesPath: string; roles: string[]; ssh: object; hosts: object };
    const { ssh: _ssh, hosts: _hosts, ...settings } = rest;
    await cluster.write({ ...settings, rolesPath, roles: [...roles, 'explain'] });
    const applied = await cluster.run('apply');
    expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('restart pending for shared_preload_libraries')]);
    // Patroni marks a member when its loop comes round.
    const pending = async (): Promise<unknown[]> => (JSON.parse(await patronictl(cluster.host('pg1'), 'list -f json')) as object[]).filter((member) => 'Pending restart' in member);
    await vi.waitFor(async () => expect(await pending()).toHaveLength(3), { timeout: patience(30_000), interval: 1_000 });
    await patronictl(cluster.host('pg1'), 'restart demo --pending --force');
    for (const host of cluster.hosts) expect(await sql(host, 'SHOW shared_preload_libraries')).toBe('auto_explain,pg_stat_statements');
    expect((await cluster.run('diff')).code).toBe(0);
  });

  it('refuses a plan when a role has changed since it was made', async () => {
    const plan = join(cluster.directory, 'plan.json');
    expect((await pgprov('plan', cluster.file, '-o', plan)).code).toBe(0);
    await appendFile(join(cluster.directory, 'roles', 'templates', 'pg_stat_statements', 'pg-top-statements.hbs'), '# more\n');
    const refused = await pgprov('apply', plan, '--yes');
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('a role or template in')]);
  });

  it('refuses roles that everyone may write to', async () => {
    await chmod(join(cluster.directory, 'roles'), 0o777);
    const refused = await cluster.run('status');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('everyone may write to it')]);
  });
});
