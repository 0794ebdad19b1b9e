import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, patronictl, sql } from '../integration/support/outside.js';
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
