import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { controldata, must, sql } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { patience } from '../support/patience.js';

describe.each([
  { os: 'debian13', name: 'mxmemd13' },
  { os: 'rocky9', name: 'mxmemr9' },
] as const)('servers that stream without Patroni on $os', ({ os, name }) => {
  const { family, postgresql } = SYSTEMS[os];
  const unit = family === 'el' ? `postgresql-${postgresql}` : `postgresql@${postgresql}-main`;
  const { data } = placesOf(os);
  let cluster: TestCluster;
  let hosts: [LabHost, LabHost, LabHost];

  beforeAll(async () => {
    cluster = await TestCluster.start(name, os, 3, 'packages');
    hosts = cluster.hosts as typeof hosts;
    await write();
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const write = (parameters: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Promise<string> =>
    cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'], postgresql: { parameters }, ...more });

  const carryOut = (command: string, ...args: string[]): Promise<Finished> => cluster.run(command, '--yes', ...args);

  /** `pg2 pg3`: who streams from a server. */
  const streams = (host: LabHost): Promise<string> =>
    sql(host, "select string_agg(application_name, ' ' order by application_name) from pg_stat_replication where state = 'streaming'");

  const starts = (): Promise<string[]> => Promise.all(hosts.map((host) => must(host, `systemctl show -p InvocationID --value ${unit}`)));

  const connections = (): Promise<string[]> => Promise.all(hosts.map((host) => sql(host, 'show max_connections')));

  /** Runs a command, and kills pgprov when it says that a change has begun on a host. */
  async function killAt(host: string, ...args: string[]): Promise<void> {
    const run = start([...args, '--yes', '--output', 'json']);
    await run.printed(new RegExp(`"type":"changing"[^\\n]*"host":"${host}"`, 'u'));
    run.process.kill('SIGKILL');
    expect((await run.finished).signal).toBe('SIGKILL');
  }

  it('take up what waits for a restart one after the other, the standbys first where it is raised, also after a kill at each step', async () => {
    await write({ max_connections: 150 });
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await connections()).toEqual(['100', '100', '100']);
    expect((await cluster.run('status')).all).toMatch(/restart \S+ --pending/u);
    const check = await cluster.run('restart', '--pending', '--check');
    expect(check.all).toMatch(/pg2 \(max_connections 100 → 150\)[^]*pg3 \(max_connections[^]*pg1, the primary \(max_connections/u);
    for (const host of ['pg2', 'pg3', 'pg1']) await killAt(host, 'restart', cluster.file, '--pending');
    const run = await carryOut('restart', '--pending');
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    expect(await connections()).toEqual(['150', '150', '150']);
    expect(await streams(hosts[0])).toBe('pg2 pg3');
    expect((await carryOut('restart', '--pending')).all).toContain('no restart is pending');
  });

  it('take up what is lowered on the primary first, at the end of an apply, and without losing a standby', async () => {
    await write({ max_connections: 120 });
    const run = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toMatch(/pg1, the primary \(max_connections 150 → 120\)[^]*pg2 \(max_connections 150 → 120\), once it has replayed/u);
    expect(await connections()).toEqual(['120', '120', '120']);
    expect(await streams(hosts[0])).toBe('pg2 pg3');
    const before = await starts();
    expect((await carryOut('restart', '--host', 'pg3')).code).toBe(0);
    const after = await starts();
    expect([after[0], after[1]]).toEqual([before[0], before[1]]);
    expect(after[2]).not.toBe(before[2]);
  });

  it('are refused a raised and a lowered limit at once', async () => {
    await write({ max_connections: 130, max_wal_senders: 9 });
    expect((await cluster.run('apply')).code).toBe(0);
    const run = await carryOut('restart', '--pending');
    expect([run.code, run.all]).toEqual([4, expect.stringContaining('neither can be restarted first')]);
    await write({ max_connections: 120 });
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('stop and stay so through a boot, and start again, the primary first', async () => {
    expect((await carryOut('stop', '--host', 'pg3')).code).toBe(0);
    expect((await cluster.run('status')).all).toContain('stopped with pgprov');
    expect((await carryOut('restart', '--host', 'pg2')).code).toBe(0);
    const run = await carryOut('stop');
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    expect(await Promise.all(hosts.map((host) => controldata(host, 'Database cluster state')))).toEqual([
      'shut down',
      'shut down in recovery',
      'shut down in recovery',
    ]);
    await hosts[0].stop();
    await hosts[0].start();
    await hosts[0].ready();
    expect(await must(hosts[0], `systemctl is-active ${unit} || :`)).toBe('inactive');
    const started = await carryOut('start');
    expect(started.all).not.toContain('error:');
    expect(started.code).toBe(0);
    expect(await streams(hosts[0])).toBe('pg2 pg3');
    expect((await cluster.run('apply')).all).toContain('No changes');
    await must(hosts[1], `[ -e ${data}/standby.signal ] && systemctl is-enabled ${unit}`);
  });

  it('read their files again', async () => {
    const run = await carryOut('reload');
    expect([run.code, run.all]).toEqual([0, expect.stringContaining('PostgreSQL has read its files again')]);
  });

  it('take a new password of the replication role, which every server proves', async () => {
    const before = await cluster.password('replication.password');
    const run = await pgprov('secrets', 'rotate', 'replication', cluster.file, '--yes');
    expect([run.code, run.all]).toEqual([0, expect.stringContaining('the former one is refused')]);
    expect(await cluster.password('replication.password')).not.toBe(before);
    expect(await streams(hosts[0])).toBe('pg2 pg3');
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('are rebuilt one at a time, by a command that goes on after a kill at each step, and keep what they had', async () => {
    const [pg1, , pg3] = hosts;
    await sql(pg1, 'create table written (i int)');
    const args = ['rebuild', cluster.file, '--host', 'pg3'];
    const inode = await must(pg3, `stat -c %i ${data}/PG_VERSION`);
    for (let at = 0; at < 3; at += 1) await killAt('pg3', ...args);
    const run = await carryOut('rebuild', '--host', 'pg3');
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    const [, aside = ''] = /what it had before is in (\S+) there/u.exec(run.all) ?? [];
    expect(await must(pg3, `stat -c %i ${aside}/PG_VERSION`)).toBe(inode);
    expect(await sql(pg3, 'select count(*) from written')).toBe('0');
    expect(await streams(pg1)).toBe('pg2 pg3');
    expect((await cluster.run('apply')).all).toContain('No changes');
    expect((await carryOut('rebuild', '--host', 'pg1')).all).toContain('pg1 is the primary');
  });

  it('are rewound where they went on as a second primary, with their own configuration, and their data is kept', async () => {
    const [pg1, pg2, pg3] = hosts;
    const { postgresqlBin } = placesOf(os);
    const configuration = family === 'el' ? data : `/etc/postgresql/${postgresql}/main`;
    await must(pg1, `echo "cluster_name = 'of_pg1'" >>${configuration}/postgresql.conf`);
    // Else it has what is written to pg1, and parts from pg2 as well.
    await must(pg3, `systemctl stop ${unit}`);
    await sql(pg2, 'select pg_promote()');
    await sql(pg1, 'insert into written values (1)');
    await sql(pg2, 'insert into written values (2)');
    const refused = await carryOut('rebuild', '--host', 'pg1');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('pg1 may have the only copy of some commits')]);
    // It crashes, so pg_rewind has to be given recovered data.
    await must(pg1, `systemctl kill -s KILL ${unit}; sleep 1; systemctl stop ${unit} || :`);
    await must(pg3, `systemctl start ${unit}`);
    for (let at = 0; at < 3; at += 1) await killAt('pg1', 'rebuild', cluster.file, '--host', 'pg1', '--give-up-commits');
    const run = await carryOut('rebuild', '--host', 'pg1', '--give-up-commits');
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    expect(await must(pg1, 'journalctl -u "pgprov-copy*" -o cat --no-pager')).toMatch(/servers diverged at WAL location[^]*Done!/u);
    expect(await sql(pg1, "select string_agg(i::text, ' ') from written")).toBe('2');
    expect(await sql(pg1, 'show cluster_name')).toBe('of_pg1');
    expect(await sql(pg1, 'select pg_is_in_recovery()')).toBe('t');
    expect(await streams(pg2)).toBe('pg1 pg3');
    const [, aside = ''] = /what it had before is in (\S+) there/u.exec(run.all) ?? [];
    await must(pg1, `${postgresqlBin}/pg_controldata ${aside} | grep -q 'in production'`);
    await write({ max_connections: 120 }, { leader: 'pg2' });
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('status')).code).toBe(0);
    expect(await sql(pg3, "select string_agg(i::text, ' ') from written")).toBe('2');
  });

  it('are rebuilt one after the other where a standby has followed a former primary, which is named', async () => {
    const [pg1, pg2, pg3] = hosts;
    await sql(pg1, 'select pg_promote()');
    // pg3 streams from pg2, and goes on with it.
    await sql(pg2, 'insert into written values (3)');
    await expect.poll(() => sql(pg3, 'select count(*) from written where i = 3'), { timeout: patience(60_000) }).toBe('1');
    const first = await carryOut('rebuild', '--host', 'pg2', '--give-up-commits');
    expect([first.code, first.all.replace(/\s+/gu, ' ')]).toEqual([0, expect.stringContaining('pg3 does not stream')]);
    expect(await streams(pg1)).toBe('pg2');
    const second = await carryOut('rebuild', '--host', 'pg3', '--give-up-commits');
    expect([second.code, second.all]).toEqual([0, expect.not.stringContaining('does not stream')]);
    expect(await streams(pg1)).toBe('pg2 pg3');
    await write({ max_connections: 120 }, { leader: 'pg1' });
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
    for (const host of [pg2, pg3]) expect(await sql(host, "select string_agg(i::text, ' ') from written")).toBe('2');
  });

  it('are rebuilt with their tablespaces, whose former directories are kept as well', async () => {
    const [pg1, pg2, pg3] = hosts;
    const space = '/srv/a space';
    for (const host of hosts) await must(host, `install -d -o postgres -g postgres -m 700 '${space}'`);
    await sql(pg1, `create tablespace big location '${space}'`);
    await sql(pg1, 'create table large tablespace big as select generate_series(1, 100000) i');
    const large = (host: LabHost): Promise<string> => sql(host, 'select count(*) from large').catch(String);
    const former = (host: LabHost): Promise<string> => must(host, `find '${space}'.aside-* -type f | wc -l; ls -d '${space}'* | wc -l`);
    await expect.poll(() => large(pg3), { timeout: patience(30_000) }).toBe('100000');
    for (let at = 0; at < 3; at += 1) await killAt('pg3', 'rebuild', cluster.file, '--host', 'pg3', '--copy');
    const copied = await carryOut('rebuild', '--host', 'pg3', '--copy');
    expect([copied.code, copied.all.replace(/\s+/gu, ' ')]).toEqual([0, expect.stringContaining('and its tablespaces beside theirs')]);
    expect(await large(pg3)).toBe('100000');
    expect(await former(pg3)).toMatch(/^[1-9]\d*\n2$/u);
    await must(pg3, `systemctl stop ${unit}`);
    // pg_rewind reads WAL back to the last checkpoint before the servers parted, which must not be recycled by then.
    await sql(pg1, 'checkpoint');
    const parted = await must(pg1, "date +'%F %T'");
    await sql(pg2, 'select pg_promote()');
    await sql(pg1, 'insert into large values (-1)');
    await sql(pg2, 'delete from large where i > 10');
    await must(pg3, `systemctl start ${unit}`);
    await must(pg1, `systemctl stop ${unit}`);
    const rewound = await carryOut('rebuild', '--host', 'pg1', '--give-up-commits');
    expect([rewound.code, rewound.all]).toEqual([0, expect.any(String)]);
    expect(await must(pg1, `journalctl -u "pgprov-copy*" --since '${parted}' -o cat --no-pager`)).toMatch(
      /servers diverged at WAL location[^]*Done!/u,
    );
    await expect.poll(() => large(pg1), { timeout: patience(30_000) }).toBe('10');
    expect(await former(pg1)).toMatch(/^[1-9]\d*\n2$/u);
  });
});
