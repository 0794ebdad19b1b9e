import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { backupsOf, lastArchived, pgbackrest } from './support/backups.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, fingerprint, must, sql } from './support/outside.js';
import type { Finished } from './support/pgprov.js';

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];

describe('backups of a cluster with a repository host', () => {
  let cluster: TestCluster;
  let repository: LabHost;
  let first: Finished;

  /** The fourth host has the repository. */
  const write = (changes: Record<string, unknown> = {}): Promise<string> => {
    const hosts = cluster.hosts.map(({ name, address }) => [
      name,
      name === 'pg4' ? { address, roles: ['base', 'firewall', 'pgdg', 'backup-repository'] } : address,
    ]);
    return cluster.write({ roles: ROLES, hosts: Object.fromEntries(hosts) as Record<string, unknown>, ...changes });
  };

  const leader = async (): Promise<LabHost> => {
    const told = await describeMembers(cluster.host('pg2'));
    return cluster.host(told.find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '');
  };

  /** Ends the present WAL segment, and gives its name. */
  const switchWal = async (host: LabHost): Promise<string> =>
    sql(host, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");

  beforeAll(async () => {
    cluster = await TestCluster.start('itbku', 'debian13', 4, 'packages');
    repository = cluster.host('pg4');
    await write();
    first = await cluster.run('apply');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('proves in the first run that WAL arrives', async () => {
    expect(first.code, first.all).toBe(0);
    expect(first.all).toContain('WAL arrives in the repositories');
    expect((await backupsOf(repository)).archive.at(-1)?.max).toMatch(/^[0-9A-F]{24}$/u);
    await pgbackrest(repository, '--stanza=demo check');
  });

  it('has nothing to change, and switches to no other WAL segment, when it runs again', async () => {
    const hosts = cluster.hosts.slice(0, 3);
    const before = await Promise.all([...hosts.map(fingerprint), sql(await leader(), 'SELECT pg_walfile_name(pg_current_wal_lsn())')]);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toContain('No changes');
    expect(await Promise.all([...hosts.map(fingerprint), sql(await leader(), 'SELECT pg_walfile_name(pg_current_wal_lsn())')])).toEqual(
      before,
    );
  });

  it('keeps the passphrase where the backups are, and what it encrypts unreadable without it', async () => {
    const passphrase = await cluster.password('backup.passphrase');
    expect(passphrase.length).toBeGreaterThan(15);
    expect((await backupsOf(repository)).cipher).toBe('aes-256-cbc');
    expect(await must(repository, "stat -c '%U %a' /etc/pgbackrest.conf && cat /etc/pgbackrest.conf")).toContain(
      `repo1-cipher-pass=${passphrase}`,
    );
    for (const host of cluster.hosts.slice(0, 3)) expect(await must(host, 'cat /etc/pgbackrest.conf')).not.toContain(passphrase);
    expect(first.all).not.toContain(passphrase);
  });

  it('lets in only members with their certificates, and these to their own stanza', async () => {
    const tls = '/etc/pgbackrest/tls';
    const ask = (words: string): Promise<{ stdout: string }> =>
      cluster
        .host('pg1')
        .exec(
          `cd / && runuser -u postgres -- pgbackrest --no-config --repo1-host=${repository.address} --repo1-host-type=tls --repo1-host-ca-file=${tls}/ca.crt ${words} --output=json info 2>&1`,
        );
    const pair = `--repo1-host-cert-file=${tls}/node.crt --repo1-host-key-file=${tls}/node.key`;
    expect((await ask(`${pair} --stanza=demo`)).stdout).toContain('"name":"demo"');
    expect((await ask('--stanza=demo')).stdout).toContain('access denied');
    expect((await ask(`${pair} --stanza=other`)).stdout).toContain('access denied');
  });

  it('says that there is no backup yet', async () => {
    const { code, all } = await cluster.run('status');
    expect(code, all).toBe(0);
    expect(all).toContain('there is no backup yet');
    expect(all).toContain('WAL is archived');
  });

  it('takes a backup by its unit, which the timers start', async () => {
    const timers = await must(
      repository,
      "systemctl list-timers --all --no-legend 'pgprov-backup@*' && systemctl is-enabled pgprov-backup@full.timer pgprov-backup@diff.timer",
    );
    expect(timers).toMatch(/pgprov-backup@full\.timer/u);
    expect((await repository.exec('systemctl is-active pgprov-backup@incr.timer')).stdout.trim()).toBe('inactive');
    await must(repository, 'systemctl start pgprov-backup@full.service');
    const { backup, status } = await backupsOf(repository);
    expect(status.code).toBe(0);
    expect(backup.map(({ type, error }) => [type, error])).toEqual([['full', false]]);
    expect((await cluster.run('status')).all).toMatch(/last backup \d+ (?:seconds|minutes) ago \(full, /u);
  });

  it('refuses a passphrase that is not the one of the backups', async () => {
    await write({ backup: { passphrase: 'quite-another-one' } });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(4);
    expect(run.all).toContain('there are backups that are encrypted with the old one');
    await write();
  });

  it('refuses a repository host that has the backups of another cluster', async () => {
    await write({ cluster: 'other' });
    const run = await cluster.run('plan', '--host', 'pg4');
    expect(run.code, run.all).toBe(4);
    expect(run.all).toContain('pg4 has backups of the cluster demo');
    await write();
  });

  it('follows a change of the schedule', async () => {
    await write({ backup: { schedule: { diff: 'none', incr: 'hourly' } } });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    const states = await repository.exec('systemctl is-active pgprov-backup@diff.timer pgprov-backup@incr.timer');
    expect(states.stdout).toBe('inactive\nactive\n');
    await write();
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await repository.exec('systemctl is-active pgprov-backup@diff.timer pgprov-backup@incr.timer')).stdout).toBe(
      'active\ninactive\n',
    );
  });

  longCase(
    'backups after a power failure',
    'goes on archiving when the leader has lost its power, and backs up the cluster without it',
    async () => {
      const former = await leader();
      await switchWal(former);
      await former.kill();
      const others = cluster.hosts.slice(0, 3).filter(({ name }) => name !== former.name);
      const answers = others[0] as LabHost;
      await expect
        .poll(
          async () => (await describeMembers(answers)).some((line) => line.includes(' Leader running') && !line.startsWith(former.name)),
          { timeout: patience(120_000) },
        )
        .toBe(true);
      const next = cluster.host((await describeMembers(answers)).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '');
      const segment = await switchWal(next);
      expect(segment).toMatch(/^00000002/u);
      await expect.poll(() => lastArchived(repository), { timeout: patience(120_000) }).toMatch(/^00000002/u);
      await must(repository, 'systemctl start pgprov-backup@diff.service');
      expect((await backupsOf(repository)).backup.map(({ type, error }) => [type, error])).toEqual([
        ['full', false],
        ['diff', false],
      ]);
      await former.start();
      await expect.poll(() => describeMembers(next), { timeout: patience(180_000) }).toContain(`${former.name} Replica streaming`);
      const run = await cluster.run('apply');
      expect(run.code, run.all).toBe(0);
      expect(run.all).toContain('No changes');
    },
  );
});
