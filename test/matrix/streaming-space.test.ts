import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import type { Finished } from '../integration/support/pgprov.js';
import { patience } from '../support/patience.js';

const HOME = '/var/lib/postgresql';
const DATA = `${HOME}/17/main`;
const COPY = '/usr/lib/postgresql/17/bin/pg_basebackup';
const FILLER = `${HOME}/filler`;

/** Both hosts have PostgreSQL's home on a small disk of its own. */
describe('servers that stream without Patroni, and a disk that gets full', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('mxspace', 'debian13', 2, 'packages');
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    for (const host of cluster.hosts)
      await must(
        host,
        `cp -a ${HOME} /root/kept && mount -t tmpfs -o size=900m tmpfs ${HOME} && cp -a /root/kept/. ${HOME} && chown postgres:postgres ${HOME}`,
      );
    await cluster.write({
      roles: ['base', 'pgdg', 'postgresql', 'replication'],
      base: { min_free_space: 300 },
      postgresql: { parameters: { max_wal_size: '64MB', min_wal_size: '32MB' } },
    });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await sql(pg1, 'create table written as select generate_series(1, 1000) i');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const streams = (host: LabHost): Promise<string> =>
    sql(host, "select string_agg(application_name, ' ') from pg_stat_replication where state = 'streaming'");

  /** A rebuild whose disk is full from when it begins to copy, and stays so. */
  async function rebuildInto(host: LabHost): Promise<Finished> {
    const filling = ['#!/bin/sh', `dd if=/dev/zero of=${FILLER} bs=64k 2>/dev/null`, `exec ${COPY}.real "$@"`, ''];
    await must(host, `mv ${COPY} ${COPY}.real`);
    expect((await host.exec(`cat >${COPY} && chmod 755 ${COPY}`, { input: filling.join('\n') })).code).toBe(0);
    const finished = await rebuild(host);
    await must(host, `mv -f ${COPY}.real ${COPY}`);
    return finished;
  }

  const rebuild = (host: LabHost, ...more: string[]): Promise<Finished> =>
    cluster.run('rebuild', '--host', host.name, '--yes', '--without-standby', ...more);

  it('are told of it where a standby is copied anew, keep what was there, and are finished by the same command', async () => {
    const inode = await must(pg2, `stat -c %i ${DATA}/PG_VERSION`);
    const full = await rebuildInto(pg2);
    expect([full.code, full.all]).toEqual([1, expect.stringMatching(/What failed:[^]*is failed: \S+: error: .*No space left on device/u)]);
    expect(await must(pg2, `stat -c %i ${DATA}.aside-*/PG_VERSION`)).toBe(inode);
    expect(await must(pg2, `ls ${DATA} 2>/dev/null | wc -l`)).toBe('0');
    const again = await rebuild(pg2);
    expect([again.code, again.all]).toEqual([4, expect.stringContaining('there is no room on pg2 for the copy')]);
    await must(pg2, `rm ${FILLER}`);
    const run = await rebuild(pg2);
    expect([run.code, run.all]).toEqual([0, expect.any(String)]);
    expect(await streams(pg1)).toBe('pg2');
    await must(pg2, `rm -r ${DATA}.aside-*`);
  });

  it('say at once that the WAL which a standby needs is gone, by the words of its own log', async () => {
    expect((await cluster.run('stop', '--host', 'pg2', '--yes')).code).toBe(0);
    await sql(pg1, "select pg_drop_replication_slot('pg2')");
    for (let n = 0; n < 6; n += 1)
      await sql(pg1, 'insert into written select generate_series(1, 1000); select pg_switch_wal(); checkpoint');
    await sql(pg1, "select pg_create_physical_replication_slot('pg2')");
    const run = await cluster.run('start', '--host', 'pg2', '--yes');
    expect([run.code, run.all]).toEqual([
      1,
      expect.stringMatching(/giving up waiting[^]*requested WAL segment \S+ has already been removed/u),
    ]);
    const rebuilt = await rebuild(pg2);
    expect([rebuilt.code, rebuilt.all]).toEqual([0, expect.any(String)]);
    expect(await streams(pg1)).toBe('pg2');
    await must(pg2, `rm -r ${DATA}.aside-*`);
  });

  it('have a former primary that crashed and was fenced rewound, where status sends it and nowhere else', async () => {
    await must(pg1, "pkill -STOP -u postgres -f 'walsender'");
    await sql(pg1, 'insert into written select generate_series(1, 5000)');
    await must(pg1, 'pkill -KILL -u postgres postgres || pkill -KILL -u postgres postmaster');
    await expect.poll(async () => (await pg1.exec('pgrep -u postgres -f walsender')).code, { timeout: patience(30_000) }).toBe(1);
    expect((await cluster.run('failover', '--yes')).code).toBe(0);
    const status = await cluster.run('status');
    expect(status.all).toContain('it was stopped with pgprov, and has parted from pg2');
    expect(status.all).toMatch(/pg1 has parted from its primary: [^]*rebuild \S+ --host pg1 --give-up-commits/u);
    expect(status.all).not.toContain('pgprov start');
    const inode = await must(pg1, `stat -c %i ${DATA}/PG_VERSION`);
    const run = await rebuild(pg1, '--give-up-commits');
    expect([run.code, run.all]).toEqual([0, expect.stringContaining('rewind a copy of its data on pg1 to pg2 with pg_rewind')]);
    expect(await must(pg1, `stat -c %i ${DATA}.aside-*/PG_VERSION`)).toBe(inode);
    expect(await streams(pg2)).toBe('pg1');
    expect(await must(pg1, 'journalctl -u "pgprov-copy*" -o cat --no-pager')).toMatch(/servers diverged at WAL location[^]*Done!/u);
    await must(pg1, `rm -r ${DATA}.aside-*`);
  });
});
