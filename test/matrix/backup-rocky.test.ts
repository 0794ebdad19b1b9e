import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { backupsOf, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { labInventory, type LabHost, SELINUX_LOG, SELINUX_MODE, startHost, type System } from '../lab/index.js';
import { patience } from '../support/patience.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const { data: DATA } = placesOf('rocky9');

const VARIANTS: readonly { os: System; title: string; user: string }[] = [
  { os: 'rocky9', title: 'Rocky 9', user: 'admin' },
  // Its sudo insists on a terminal.
  { os: 'rocky8', title: 'Rocky 8', user: 'tty' },
];

/** Three members, a repository host, and a fifth that another cluster has, with the packages of PGDG and SELinux as if in force. */
describe.each(VARIANTS)('backups on $title', ({ os, user }) => {
  let cluster: TestCluster;
  let directory: string;
  let [pg1, pg2, pg3, repository, other]: LabHost[] = [] as LabHost[];

  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await pgprov(...command.split(' '), cluster.file, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const write = async (changes: Record<string, unknown> = {}): Promise<void> => {
    const base = await labInventory(cluster.hosts);
    const hosts = {
      pg1: (pg1 as LabHost).address,
      pg2: (pg2 as LabHost).address,
      pg3: (pg3 as LabHost).address,
      repo1: {
        address: (repository as LabHost).address,
        roles: ['base', 'firewall', 'pgdg', 'backup-repository'],
        firewall: { member_networks: [(other as LabHost).address] },
      },
    };
    const pgdg = { ...(base['pgdg'] as object), epel: true };
    const ssh = { ...(base['ssh'] as object), user };
    await writeFile(cluster.file, stringify({ ...base, ssh, pgdg, roles: MEMBER, hosts, backup: { archive_timeout: 5 }, ...changes }));
  };
  const isWhole = async (): Promise<void> => {
    await expect.poll(() => describeMembers(pg1 as LabHost).catch(() => []), { timeout: patience(90_000) }).toEqual(STREAMING);
  };
  const now = (): Promise<string> => sql(pg1 as LabHost, 'SELECT clock_timestamp()');

  beforeAll(async () => {
    cluster = await TestCluster.start(`bk${os}`, os, 4, 'packages');
    [pg1, pg2, pg3, other] = cluster.hosts;
    // A host that never had a server.
    repository = await startHost({ name: 'repo1', os, network: cluster.name });
    for (const host of [...cluster.hosts, repository]) await must(host, `echo Enforcing >${SELINUX_MODE}`);
    directory = await mkdtemp(join(tmpdir(), 'pgprov-rocky-copy-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await cluster?.remove();
  });

  it('need EPEL, which the run names before anything is configured', async () => {
    await write({ pgdg: (await labInventory(cluster.hosts))['pgdg'] });
    const { code, all } = await pgprov('apply', cluster.file, '--yes');
    expect(code, all).toBe(1);
    expect(all).toMatch(/nothing provides libssh2 needed by pgbackrest/u);
    expect(all).toContain('pgdg.epel: true');
    expect((await (pg1 as LabHost).exec('test -e /etc/patroni/patroni.yml')).code).toBe(1);
  });

  it('are set up with PGDG’s package, its user and its unit', async () => {
    await write();
    expect(await run('apply', '--yes')).toContain('WAL arrives in the repositories');
    expect(await run('apply', '--yes')).toContain('No changes');
    const repo1 = repository as LabHost;
    expect(await must(repo1, 'rpm -q --qf "%{RELEASE}" pgbackrest; rpm -q postgresql15-server || :')).toMatch(
      /PGDG.*postgresql15-server is not installed/u,
    );
    for (const host of [pg1, repo1] as LabHost[]) {
      expect(await must(host, 'id -u postgres; getent passwd postgres | cut -d: -f6')).toBe('26\n/var/lib/pgsql');
      expect(await must(host, 'systemctl is-active pgbackrest; systemctl is-enabled pgbackrest')).toBe('active\nenabled');
      expect(await must(host, "stat -c '%U:%G %a' /etc/pgbackrest.conf /var/lib/pgbackrest /var/log/pgbackrest")).toMatch(
        /^postgres:postgres 600\npostgres:postgres 7[05]0\npostgres:postgres 7[05]0$/u,
      );
      expect(await must(host, `cat ${SELINUX_LOG}`)).toContain('/etc/pgbackrest.conf');
    }
    await pgbackrest(repo1, '--stanza=demo check');
  });

  it('go through the firewall of members and of the repository host, for each other alone', async () => {
    const gets = async (from: LabHost, to: LabHost): Promise<boolean> =>
      (await from.exec(`timeout ${patience(2)} bash -c ': </dev/tcp/${to.address}/8432'`)).code === 0;
    const [first, repo1, stranger] = [pg1, repository, other] as [LabHost, LabHost, LabHost];
    expect(await must(repo1, 'firewall-cmd --state')).toBe('running');
    expect([await gets(first, repo1), await gets(repo1, first), await gets(stranger, first)]).toEqual([true, true, false]);
  });

  it('are taken, shown and verified', async () => {
    await sql(pg1 as LabHost, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) n');
    await run('backup', '--yes');
    expect((await backupsOf(repository as LabHost)).backup).toMatchObject([{ type: 'full', error: false }]);
    expect(await run('backups')).toMatch(/repository repo1: 1 backup/u);
    await run('backup verify');
    expect(await must(repository as LabHost, 'systemctl is-enabled pgprov-backup@full.timer pgprov-backup@diff.timer')).toBe(
      'enabled\nenabled',
    );
  });

  it('are tried in a drill, which leaves nothing', async () => {
    await run('drill restore', '--on', 'pg2', '--check', 'SELECT count(*) = 1000 FROM orders');
    expect(await must(pg2 as LabHost, 'ls -d /var/lib/pgsql/15/pgprov-drill-* 2>/dev/null || :')).toBe('');
    await isWhole();
  });

  it('make a member', async () => {
    const host = pg3 as LabHost;
    const identifier = await controldata(host, 'Database system identifier');
    expect(await run('rebuild', '--host', 'pg3', '--from', 'backup', '--yes')).toContain('data that was restored from backup');
    expect(await must(host, `stat -c '%U:%G %a' ${DATA}; ls -d ${DATA}.aside-* | wc -l`)).toBe('postgres:postgres 700\n1');
    expect(await controldata(host, 'Database system identifier')).toBe(identifier);
    await isWhole();
  });

  it('bring the cluster back to the second before a DROP TABLE, also after a restore that was taken back', async () => {
    const host = pg1 as LabHost;
    const time = await now();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(host, 'DROP TABLE orders');
    const waits = await pgprov('restore', cluster.file, '--time', time, '--yes');
    expect(waits.code, waits.all).toBe(1);
    const look = 'runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc "SELECT count(*) FROM orders" postgres';
    expect(await must(host, look)).toBe('1000');
    await run('restore', '--undo', '--yes');
    await isWhole();
    await run('restore', '--time', time, '--approve', '--yes');
    await isWhole();
    for (const each of [pg1, pg2, pg3] as LabHost[]) expect(await sql(each, 'SELECT count(*) FROM orders')).toBe('1000');
    expect((await backupsOf(repository as LabHost)).backup.at(-1)).toMatchObject({ type: 'full', error: false });
    expect(await must(host, 'systemctl is-active pgprov-restored pgprov-restore || :')).toBe('inactive\ninactive');
    expect(await run('apply', '--yes')).toContain('No changes');
  });

  it('make a cluster of another name, which goes on in a stanza of its own', async () => {
    const host = other as LabHost;
    const into = join(directory, 'copy.yml');
    const base = await labInventory([host]);
    const one = { pg4: { address: host.address, roles: [...MEMBER, 'backup-repository'] } };
    const pgdg = { ...(base['pgdg'] as object), epel: true };
    const ssh = { ...(base['ssh'] as object), user };
    await writeFile(into, stringify({ ...base, cluster: 'copy', ssh, pgdg, roles: MEMBER, hosts: one, backup: { archive_timeout: 5 } }));
    const applied = await pgprov('apply', into, '--yes');
    expect(applied.code, applied.all).toBe(0);
    const cloned = await pgprov('clone', cluster.file, '--into', into, '--latest', '--approve', '--yes');
    expect(cloned.code, cloned.all).toBe(0);
    expect(await sql(host, 'SELECT count(*) FROM orders')).toBe('1000');
    expect(await sql(host, 'SHOW archive_command')).toContain('--stanza=copy ');
    const identifier = await controldata(pg1 as LabHost, 'Database system identifier');
    expect(await controldata(host, 'Database system identifier')).toBe(identifier);
    expect(await etcdctl(host, 'get /service/copy/initialize --print-value-only')).toBe(identifier);
    await pgbackrest(host, '--stanza=copy check');
    await pgbackrest(repository as LabHost, '--stanza=demo check');
    expect((await pgprov('diff', into)).code).toBe(0);
  });
});
