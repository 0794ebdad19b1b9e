import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import type { BackupStatus } from '../../src/lib/backup-status.js';
import { assertDocumented } from '../support/json-lines.js';
import { MATRIX } from '../support/depth.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { backupsOf, lastArchived, pgbackrest } from './support/backups.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, fingerprint, must, sql } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';

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

  /** Backups that are begun wait until this unit is stopped. */
  const holdBackups = async (): Promise<unknown> =>
    must(repository, 'systemd-run -q --unit=test-hold flock /var/log/pgbackrest/pgprov-backup.lock sleep infinity');
  const isBegun = async (type: string): Promise<void> =>
    expect
      .poll(async () => (await repository.exec(`systemctl is-active pgprov-backup@${type}`)).stdout.trim(), { timeout: patience(60_000) })
      .toBe('activating');

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
    const stranger = '/var/lib/postgresql/stranger';
    await must(
      cluster.host('pg1'),
      `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pg1 -days 9 -keyout ${stranger}.key -out ${stranger}.crt 2>/dev/null && chown postgres ${stranger}.* && chmod 600 ${stranger}.key`,
    );
    const other = (await ask(`--repo1-host-cert-file=${stranger}.crt --repo1-host-key-file=${stranger}.key --stanza=demo`)).stdout;
    expect(other).toContain('unknown ca');
    expect(other).not.toContain('"system-id"');
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

  it('takes one now with `pgprov backup`, and proves it', async () => {
    const check = await cluster.run('backup', '--check');
    expect(check.stdout).toContain('take a diff backup of demo (repository pg4)');
    const run = await cluster.run('backup', '--yes', '--output', 'json');
    expect(run.code, run.all).toBe(0);
    assertDocumented(run.stdout);
    const { backup } = await backupsOf(repository);
    expect(backup.map(({ type }) => type)).toEqual(['full', 'diff']);
    expect(run.stdout).toContain(backup.at(-1)?.label);
  });

  it('follows a backup that runs, also after pgprov was killed, and takes none twice', async () => {
    await holdBackups();
    const killed = start(['backup', cluster.file, '--type', 'incr', '--yes']);
    await isBegun('incr');
    killed.process.kill('SIGKILL');
    await killed.finished;
    const check = await cluster.run('backup', '--type', 'incr', '--check');
    expect(check.stdout).toContain('follow the incr backup that runs there');
    const following = start(['backup', cluster.file, '--type', 'incr', '--yes']);
    await following.printed(/waiting until the incr backup is over/u);
    await must(repository, 'systemctl stop test-hold');
    const run = await following.finished;
    expect(run.code, run.all).toBe(0);
    expect((await backupsOf(repository)).backup.map(({ type }) => type)).toEqual(['full', 'diff', 'incr']);
  });

  it('knows a backup again that has ended since pgprov was killed, and takes another one after that', async () => {
    const incr = ['backup', cluster.file, '--type', 'incr', '--yes'];
    const types = async (): Promise<string[]> => (await backupsOf(repository)).backup.map(({ type }) => type);
    await holdBackups();
    const killed = start(incr);
    await isBegun('incr');
    killed.process.kill('SIGKILL');
    await killed.finished;
    await must(repository, 'systemctl stop test-hold');
    await expect.poll(types, { timeout: patience(60_000) }).toEqual(['full', 'diff', 'incr', 'incr']);
    await expect
      .poll(async () => (await repository.exec('systemctl is-active pgprov-backup@incr')).stdout.trim(), { timeout: patience(60_000) })
      .toBe('inactive');
    const again = await pgprov(...incr);
    expect(again.code, again.all).toBe(0);
    expect(again.all).toContain((await backupsOf(repository)).backup.at(-1)?.label);
    expect(await types()).toHaveLength(4);
    const another = await pgprov(...incr);
    expect(another.code, another.all).toBe(0);
    expect(await types()).toHaveLength(5);
  });

  it('lists what can be restored, and finds WAL that is missing and files that are damaged, of which pgBackRest says nothing', async () => {
    const well = await cluster.run('backups');
    expect(well.code, well.all).toBe(0);
    expect(well.stdout).toMatch(/can be restored (?:to any time from|as it was at) \d{4}-.* UTC/u);
    expect((await pgprov('backup', 'verify', cluster.file)).code).toBe(0);

    // Without a later one nobody could tell that it was archived.
    const later = await switchWal(await leader());
    await expect.poll(() => lastArchived(repository), { timeout: patience(60_000) }).toBe(later);
    const needed = (await backupsOf(repository)).backup.at(-1)?.archive.start ?? '';
    const wal = `/var/lib/pgbackrest/archive/demo/17-1/${needed.slice(0, 16)}/${needed}-*`;
    await must(repository, `mkdir -p /root/away && mv ${wal} /root/away/`);
    const gap = await cluster.run('backups', '--json');
    expect(gap.code, gap.all).toBe(1);
    const state = JSON.parse(gap.stdout) as BackupStatus;
    expect(state.repositories[0]?.gaps?.map(({ walFirst, files }) => [walFirst, files])).toEqual([[needed, 1]]);
    expect(state.repositories[0]?.backups.map(({ incomplete }) => incomplete)).toEqual([false, false, false, false, true]);
    await must(repository, `mv /root/away/* ${wal.slice(0, wal.lastIndexOf('/'))}/`);

    const file = await must(repository, 'find /var/lib/pgbackrest/backup/demo/*F/bundle -type f | head -n 1');
    const path = file.trim();
    await must(repository, `cp -p ${path} /root/away/bundle && printf x | dd of=${path} bs=1 seek=5000 conv=notrunc status=none`);
    const damaged = await pgprov('backup', 'verify', cluster.file);
    expect(damaged.code, damaged.all).toBe(1);
    expect(damaged.all).toMatch(/\d+ files? (?:with another checksum|that cannot be read)/u);
    await must(repository, `cp -p /root/away/bundle ${path}`);
    expect((await pgprov('backup', 'verify', cluster.file)).code).toBe(0);
  });

  longCase(
    'a drill that is killed',
    'tries in a drill whether a backup can be restored, also after one that was killed, and leaves nothing of it',
    async () => {
      const host = cluster.host('pg3');
      const main = await leader();
      await sql(main, 'CREATE TABLE drilled AS SELECT generate_series(1, 1000) n');
      const segment = await switchWal(main);
      await expect.poll(() => lastArchived(repository), { timeout: patience(60_000) }).toBe(segment);
      const members = await describeMembers(main);
      const words = ['drill', 'restore', cluster.file, '--on', 'pg3', '--check', 'SELECT count(*) = 1000 FROM drilled'];

      const killed = start([...words, '--output', 'plain']);
      await killed.printed(/drill restore\/restore/u);
      killed.process.kill('SIGKILL');
      await killed.finished;
      const run = await pgprov(...words, '--output', 'json');
      expect(run.code, run.all).toBe(0);
      assertDocumented(run.stdout);
      expect(run.stdout).toContain('RTO: ');

      const { drill } = JSON.parse((await cluster.run('backups', '--json')).stdout) as BackupStatus;
      expect(drill).toMatchObject({
        on: 'pg3',
        ok: true,
        problems: [],
        answer: ['t'],
        backup: (await backupsOf(repository)).backup.at(-1)?.label,
      });
      expect([drill?.rtoSeconds, drill?.rpoSeconds, drill?.walReplayed].every((number) => typeof number === 'number')).toBe(true);
      expect(await must(host, 'ls -d /var/lib/postgresql/*/pgprov-drill-* /run/pgprov-drill /run/pgprov-drill.sh 2>/dev/null || :')).toBe(
        '',
      );
      expect(await must(host, 'systemctl is-active pgprov-drill || :')).toBe('inactive');
      expect(await must(repository, 'systemctl is-active pgprov-drill-hold || :')).toBe('inactive');
      expect(await describeMembers(main)).toEqual(members);
      expect(await lastArchived(repository)).toMatch(/^00000001/u);
    },
  );

  longCase(
    'a standby from the repository',
    'rebuilds a standby from the repository, keeps what it had, and has scheduled backups go on',
    async () => {
      const leading = (await leader()).name;
      const standby = cluster.host(leading === 'pg3' ? 'pg2' : 'pg3');
      await sql(await leader(), 'CREATE TABLE since_the_backup AS SELECT generate_series(1, 1000) n');
      const run = await cluster.run('rebuild', '--host', standby.name, '--from', 'backup', '--yes');
      expect(run.code, run.all).toBe(0);
      const { backup } = await backupsOf(repository);
      expect(run.all).toContain(`${standby.name} streams from ${leading} with data that was restored from backup ${backup.at(-1)?.label}`);
      expect(run.all).toMatch(/what it had before is in \S+\.aside-\d+T\d+ there/u);
      expect(await describeMembers(standby)).toContain(`${standby.name} Replica streaming`);
      expect(await sql(standby, 'SELECT count(*) FROM since_the_backup')).toBe('1000');
      expect(await must(repository, 'systemctl is-active pgprov-backup@full.timer')).toContain('active');
    },
  );

  it('says what to do where the passphrase on the host is another one', async () => {
    await must(
      repository,
      "cp -p /etc/pgbackrest.conf /root/ && sed -i 's/^repo1-cipher-pass=.*/repo1-cipher-pass=another-one/' /etc/pgbackrest.conf",
    );
    const run = await cluster.run('backup', '--yes');
    expect(run.code, run.all).toBe(1);
    expect(run.all).toContain('the passphrase is not the one that the repository was encrypted with');
    const listed = await cluster.run('backups');
    expect(listed.code, listed.all).toBe(1);
    expect(listed.all).toContain('repository pg4 cannot be read');
    await must(repository, 'cp -p /root/pgbackrest.conf /etc/pgbackrest.conf');
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

  // pgBackRest waits for minutes for a member that is off.
  it.skipIf(!MATRIX)(
    `goes on archiving when the leader has lost its power, and backs up the cluster without it${MATRIX ? '' : ' (skipped: in the matrix alone)'}`,
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
      const backup = await cluster.run('backup', '--yes');
      expect(backup.code, backup.all).toBe(0);
      expect((await backupsOf(repository)).backup.map(({ type, error }) => [type, error])).toEqual([
        ['full', false],
        ['diff', false],
        ['incr', false],
        ['incr', false],
        ['incr', false],
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
