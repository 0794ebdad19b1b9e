import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, patronictl, sql } from '../integration/support/outside.js';
import { pgprov, start } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const SINGLE = ['base', 'pgdg', 'postgresql', 'replication', 'backup'];

describe('backups for a cluster that lives, with the repository on a member', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    const hosts = cluster.hosts.map(({ name, address }) => [
      name,
      name === 'pg3' ? { address, roles: [...MEMBER, 'backup-repository'] } : address,
    ]);
    await cluster.write({ roles: MEMBER, hosts: Object.fromEntries(hosts) as Record<string, unknown> });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('says that archive_mode waits for a restart, and does not claim that WAL arrives', async () => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toContain('that WAL arrives in the repositories is not proved');
    expect(run.all).not.toContain('check  ok: WAL arrives');
    const again = await cluster.run('apply');
    expect(again.all).toContain('No changes');
    expect((await cluster.run('status')).all).toContain('WAL is not archived: archive_mode takes a restart');
    expect((await cluster.host('pg3').exec('cd / && runuser -u postgres -- pgbackrest --stanza=demo check')).code).toBe(87);
  });

  it('proves it in the next run after the restart', async () => {
    const restart = await cluster.run('restart', '--pending', '--yes');
    expect(restart.code, restart.all).toBe(0);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toContain('WAL arrives in the repositories');
    expect((await cluster.run('apply')).all).toContain('No changes');
    await pgbackrest(cluster.host('pg3'), '--stanza=demo check');
  });

  it('takes backups on that member, whoever leads', async () => {
    await must(cluster.host('pg3'), 'systemctl start pgprov-backup@full.service');
    expect((await backupsOf(cluster.host('pg3'))).backup).toMatchObject([{ type: 'full', error: false }]);
    const switched = await cluster.run('switchover', '--to', 'pg3', '--yes');
    expect(switched.code, switched.all).toBe(0);
    await sql(cluster.host('pg3'), 'SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(true, $$test$$, $$x$$)) m');
    await expect.poll(() => lastArchived(cluster.host('pg3')), { timeout: patience(120_000) }).toMatch(/^0000000[2-9]/u);
    await must(cluster.host('pg3'), 'systemctl start pgprov-backup@diff.service');
    expect((await backupsOf(cluster.host('pg3'))).backup.map(({ type }) => type)).toEqual(['full', 'diff']);
  });
});

describe('backups that fail', () => {
  let cluster: TestCluster;
  let repository: LabHost;
  const DIRECTORY = '/var/lib/pgbackrest';

  const write = (backup: Record<string, unknown> = {}): Promise<string> => {
    const hosts = cluster.hosts.map(({ name, address }) => [
      name,
      name === 'pg3' ? { address, roles: [...MEMBER, 'backup-repository'] } : address,
    ]);
    return cluster.write({ roles: MEMBER, hosts: Object.fromEntries(hosts) as Record<string, unknown>, backup });
  };
  const labels = async (): Promise<string[]> => (await backupsOf(repository)).backup.map(({ label }) => label);
  const full = async (): Promise<string> => must(repository, 'systemctl start pgprov-backup@full');

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    repository = cluster.host('pg3');
    await write();
    const applied = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(applied.code, applied.all).toBe(0);
    expect((await cluster.run('apply')).code).toBe(0);
    await full();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are taken anew by the same command, whatever a timer has taken since', async () => {
    await must(repository, 'systemd-run -q --unit=test-hold flock /var/log/pgbackrest/pgprov-backup.lock sleep infinity');
    const failing = start(['backup', cluster.file, '--type', 'full', '--yes', '--output', 'plain']);
    await failing.printed(/waiting until the full backup is over/u);
    await must(repository, 'systemctl start --no-block pgprov-backup@diff && systemctl kill -s KILL pgprov-backup@full');
    const failed = await failing.finished;
    expect(failed.code, failed.all).toBe(1);
    await must(repository, 'systemctl stop test-hold');
    await expect.poll(async () => (await labels()).length, { timeout: patience(60_000) }).toBe(2);
    await expect
      .poll(async () => (await repository.exec('systemctl is-active pgprov-backup@diff')).stdout.trim(), { timeout: patience(60_000) })
      .toBe('inactive');
    const again = await pgprov('backup', cluster.file, '--type', 'full', '--yes');
    expect(again.code, again.all).toBe(0);
    expect((await backupsOf(repository)).backup.map(({ type }) => type)).toEqual(['full', 'diff', 'full']);
    expect(again.all).toContain((await labels()).at(-1));
  });

  it('have room again in a full repository when fewer are kept', async () => {
    const size = Number(await must(repository, `du -sm ${DIRECTORY} | cut -f 1`)) + 40;
    await must(
      repository,
      `mkdir -p /mnt/small && mount -t tmpfs -o size=${size}m,mode=750,uid=$(id -u postgres),gid=$(id -g postgres) none /mnt/small && cp -a ${DIRECTORY}/. /mnt/small/ && mount --bind /mnt/small ${DIRECTORY}`,
    );
    await sql(cluster.host('pg1'), 'CREATE TABLE ballast AS SELECT md5(random()::text) FROM generate_series(1, 300000)');
    await full();
    await sql(cluster.host('pg1'), 'DROP TABLE ballast');
    await full();
    const [before] = await labels();
    await must(
      repository,
      `free=$(df -k --output=avail ${DIRECTORY} | tail -n 1) && dd if=/dev/zero of=${DIRECTORY}/filler bs=1k count=$((free - 512)) status=none`,
    );
    const refused = await pgprov('backup', cluster.file, '--type', 'full', '--yes');
    expect(refused.code, refused.all).toBe(1);
    expect(refused.all).toMatch(/make room where the repository is|WAL does not arrive/u);
    await sql(cluster.host('pg1'), 'CREATE TABLE goes_on (n int)');
    expect(await labels()).toContain(before);

    await write({ repositories: { pg3: { host: 'pg3', retention_full: 1 } } });
    // Its proof that WAL arrives may fail while there is no room.
    await pgprov('apply', cluster.file, '--yes');
    const again = await pgprov('backup', cluster.file, '--type', 'full', '--yes');
    expect(again.code, again.all).toBe(0);
    expect(await labels()).toHaveLength(1);
    expect((await pgprov('backup', 'verify', cluster.file)).code).toBe(0);
    await must(
      repository,
      `systemctl stop pgbackrest && umount ${DIRECTORY} && rm -rf ${DIRECTORY}/* && rm /mnt/small/filler && cp -a /mnt/small/. ${DIRECTORY}/ && umount /mnt/small && systemctl start pgbackrest`,
    );
  });

  it('are told from hosts that cannot be reached by the exit code', async () => {
    await cluster.host('pg2').kill();
    const read = await pgprov('backup', 'verify', cluster.file, '--output', 'plain');
    expect(read.code, read.all).toBe(3);
    expect(read.all).toContain('all checksums in pg3 match');
    await cluster.host('pg2').start();
    await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(120_000) }).toContain('pg2 Replica streaming');

    await repository.kill();
    for (const words of [['backup', 'verify'], ['backups']]) {
      const unread = await pgprov(...words, cluster.file);
      expect(unread.code, unread.all).toBe(3);
    }
    const none = await pgprov('backup', cluster.file, '--yes');
    expect(none.code, none.all).toBe(3);
    const drill = await pgprov('drill', 'restore', cluster.file);
    expect(drill.code, drill.all).toBe(4);
    expect(drill.all).toContain('the backups cannot be read: ');
    await repository.start();
    await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(120_000) }).toContain('pg3 Replica streaming');
    await expect.poll(async () => (await cluster.run('apply')).all, { timeout: patience(120_000) }).toContain('No changes');
  });
});

describe('backups of a server without Patroni', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start('itbks', 'debian13', 2, 'packages');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('go into a directory of its own', async () => {
    await must(cluster.host('pg1'), 'install -d -o postgres -g postgres -m 750 /srv/backups');
    const hosts = { pg1: cluster.host('pg1').address, pg2: { address: cluster.host('pg2').address, roles: [] } };
    await cluster.write({ roles: SINGLE, hosts, backup: { repositories: { here: { directory: '/srv/backups' } } } });
    const run = await cluster.run('apply', '--host', 'pg1');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toContain('WAL arrives in the repositories');
    await must(cluster.host('pg1'), 'systemctl start pgprov-backup@full.service');
    expect((await backupsOf(cluster.host('pg1'))).backup).toMatchObject([{ type: 'full', error: false }]);
    expect((await cluster.run('apply', '--host', 'pg1')).all).toContain('No changes');
  });

  it('go to a repository host', async () => {
    const hosts = {
      pg1: cluster.host('pg1').address,
      pg2: { address: cluster.host('pg2').address, roles: ['base', 'pgdg', 'backup-repository'] },
    };
    await cluster.write({ roles: SINGLE, hosts });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await must(cluster.host('pg2'), 'systemctl start pgprov-backup@full.service');
    expect((await backupsOf(cluster.host('pg2'))).backup).toMatchObject([{ type: 'full', error: false }]);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });
});

describe('backups with the packages of Debian 12', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start('itbk12', 'debian12', 4, 'packages');
    const hosts = cluster.hosts.map(({ name, address }) => [
      name,
      name === 'pg4' ? { address, roles: ['base', 'firewall', 'pgdg', 'backup-repository'] } : address,
    ]);
    await cluster.write({
      roles: MEMBER,
      hosts: Object.fromEntries(hosts) as Record<string, unknown>,
      backup: { replicas_from_backup: true },
    });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are proved, taken, and followed by no changes', async () => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await must(cluster.host('pg4'), 'systemctl start pgprov-backup@full.service');
    expect((await backupsOf(cluster.host('pg4'))).backup).toMatchObject([{ type: 'full', error: false }]);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('make a replica', async () => {
    await patronictl(cluster.host('pg1'), 'reinit demo pg3 --force --wait');
    expect(await describeMembers(cluster.host('pg1'))).toHaveLength(3);
    expect(
      await must(cluster.host('pg3'), "journalctl -u patroni -o cat | grep -c 'replica has been created using pgbackrest' || :"),
    ).not.toBe('0');
  });
});
