import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const { data: DATA } = placesOf('debian13');

/** As a host that lost its power at the end of a base backup, and booted with Patroni enabled. */
describe('a standby whose base backup Patroni recovered in single-user mode', () => {
  let cluster: TestCluster;

  const position = async (host: string, expression: string): Promise<number> =>
    Number(await sql(cluster.host(host), `select pg_wal_lsn_diff(${expression}, '0/0')`));

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    const [pg1, pg3] = [cluster.host('pg1'), cluster.host('pg3')];
    await must(pg3, 'systemctl stop patroni');
    await must(
      pg3,
      `mv ${DATA} ${DATA}.before && runuser -u postgres -- env PGPASSFILE=/var/lib/postgresql/.pgpass_patroni ` +
        `pg_basebackup -D ${DATA} -X stream -c fast -d 'host=${pg1.address} user=replicator dbname=postgres' && systemctl start patroni`,
    );
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('has WAL that its leader never wrote', async () => {
    await expect
      .poll(async () => (await position('pg3', 'pg_last_wal_replay_lsn()')) - (await position('pg1', 'pg_current_wal_lsn()')), {
        timeout: patience(60_000),
      })
      .toBeGreaterThan(0);
  });

  it('is shown by status with both positions and the command that repairs it', async () => {
    const { code, all } = await pgprov('status', cluster.file);
    expect(code, all).not.toBe(0);
    expect(all).toMatch(/pg3: has WAL up to [0-9A-F]+\/[0-9A-F]+ that pg1 never wrote/u);
    expect(all).toContain(`pgprov rebuild ${cluster.file} --host pg3 --give-up-commits`);
  });

  it('is never chosen by a switchover, though Patroni lists it as streaming', async () => {
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg3', '--yes');
    expect(code, all).not.toBe(0);
    expect(all).toContain('pg3 cannot take the lead: it has no connection to pg1 that streams');
  });

  it('is rebuilt only when its WAL is given up explicitly', async () => {
    const refused = await pgprov('rebuild', cluster.file, '--host', 'pg3', '--yes');
    expect(refused.code, refused.all).not.toBe(0);
    expect(refused.all).toContain('pg3 may have the only copy of some commits');
    const rebuilt = await pgprov('rebuild', cluster.file, '--host', 'pg3', '--yes', '--give-up-commits');
    expect(rebuilt.code, rebuilt.all).toBe(0);
    expect(await describeMembers(cluster.host('pg1'))).toContain('pg3 Replica streaming');
    expect(await sql(cluster.host('pg1'), "select application_name from pg_stat_replication where state = 'streaming' order by 1")).toBe(
      'pg2\npg3',
    );
  });
});
