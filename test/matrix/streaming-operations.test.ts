import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { start } from '../integration/support/pgprov.js';
import { patience } from '../support/patience.js';

describe.each([
  { os: 'rocky9', name: 'mxsor9' },
  { os: 'debian12', name: 'mxsod12' },
] as const)('switchover and failover without Patroni on $os', ({ os, name }) => {
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
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    await sql(hosts[0], 'create table written (i int)');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const write = (changes: Record<string, unknown> = {}): Promise<string> =>
    cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'], ...changes });

  /** `pg2 pg3`: who streams from a server, and has a slot there. */
  const streams = (host: LabHost): Promise<string> =>
    sql(
      host,
      "select string_agg(application_name, ' ' order by application_name) from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid where state = 'streaming'",
    );

  /** Hosts whose server takes writes. */
  const primaries = async (): Promise<string[]> => {
    const seen = await Promise.all(
      hosts.map(async (host) => {
        const { stdout } = await host.exec("runuser -u postgres -- psql -XAtqc 'select pg_is_in_recovery()'");
        return stdout.trim() === 'f' ? [host.name] : [];
      }),
    );
    return seen.flat();
  };

  const unfinished = (): boolean => existsSync(join(cluster.directory, '.pgprov', 'demo', 'operation.json'));

  it('hands over although pgprov is killed in each step, and never has two primaries', async () => {
    const [pg1, pg2] = hosts;
    for (const step of ['slots', 'hold', 'catch-up', 'promote', 'follow', 'tidy']) {
      const run = start(['switchover', cluster.file, '--to', 'pg2', '--yes', '--output', 'json']);
      await run.printed(new RegExp(`"type":"changing"[^\\n]*"stage":"switchover/${step}"`, 'u'));
      run.process.kill('SIGKILL');
      expect((await run.finished).signal).toBe('SIGKILL');
      expect((await primaries()).length).toBeLessThan(2);
      expect((await cluster.run('apply')).code).toBe(4);
    }
    const run = await cluster.run('switchover', '--to', 'pg2', '--yes');
    expect([run.code, run.all]).toEqual([0, expect.any(String)]);
    expect(await primaries()).toEqual(['pg2']);
    expect(await streams(pg2)).toBe('pg1 pg3');
    expect(await sql(pg1, 'select count(*) from pg_replication_slots')).toBe('0');
    expect((await cluster.run('apply')).all).toContain('pg2 is the primary, and the inventory says pg1');
  });

  it('starts the primary again where the standby lacks what it wrote, and leaves nothing behind', async () => {
    const [pg1, pg2, pg3] = hosts;
    // One that receives and does not replay; its primary learns that only when it has stopped.
    const replay = "$(pgrep -u postgres -f 'postgres: .*startup ')";
    await must(pg1, `kill -STOP ${replay}`);
    await sql(pg2, 'insert into written values (1)');
    const run = await cluster.run('switchover', '--to', 'pg1', '--yes');
    await must(pg1, `kill -CONT ${replay}`);
    expect([run.code, run.all]).toEqual([1, expect.stringContaining('this standby lacks WAL of pg2')]);
    expect(run.all).toContain('pg2 is the primary, as before, and takes writes');
    expect([await primaries(), unfinished()]).toEqual([['pg2'], false]);
    await sql(pg2, 'insert into written values (2)');
    await expect.poll(() => streams(pg2), { timeout: patience(60_000) }).toBe('pg1 pg3');
    expect(await must(pg2, `ls ${data}/standby.signal 2>/dev/null | wc -l`)).toBe('0');
    expect(await sql(pg1, 'select count(*) from pg_replication_slots')).toBe('0');
    await expect.poll(() => sql(pg3, 'select count(*) from written'), { timeout: patience(30_000) }).toBe('2');
    await write({ leader: 'pg2' });
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('hands over with a standby of the next primary, and with commits that wait for a standby', async () => {
    const [pg1, pg2, pg3] = hosts;
    const addresses = Object.fromEntries(hosts.map(({ name: host, address }) => [host, address]));
    await write({
      leader: 'pg2',
      hosts: { ...addresses, pg3: { address: pg3.address, replication: { upstream: 'pg1' } } },
      replication: { synchronous: ['pg1', 'pg2'] },
    });
    const set = await cluster.run('apply');
    expect([set.code, set.all]).toEqual([0, expect.any(String)]);
    await expect.poll(() => streams(pg1), { timeout: patience(60_000) }).toBe('pg3');
    const refused = await cluster.run('switchover', '--to', 'pg3', '--yes');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('is a standby of pg1 (replication.upstream)')]);
    const run = await cluster.run('switchover', '--yes');
    expect([run.code, run.all]).toEqual([0, expect.any(String)]);
    expect(await primaries()).toEqual(['pg1']);
    expect(await streams(pg1)).toBe('pg2 pg3');
    expect(await sql(pg1, 'show synchronous_standby_names')).toContain('pg2');
    expect(await sql(pg2, 'show synchronous_standby_names')).toBe('');
    expect(await sql(pg1, "select sync_state from pg_stat_replication where application_name = 'pg2'")).toMatch(/sync|quorum/u);
    await write({ leader: 'pg1' });
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('fails over after kill -9 of the primary, with the loss that was announced, and keeps it from coming back', async () => {
    const [pg1, pg2] = hosts;
    const answering = await cluster.run('failover', '--yes');
    expect([answering.code, answering.all]).toEqual([4, expect.stringContaining('pg1 is the primary and answers')]);
    await sql(pg1, 'insert into written values (3)');
    await expect.poll(() => sql(pg2, 'select count(*) from written'), { timeout: patience(30_000) }).toBe('3');
    // What it writes from now on, it does not send.
    await must(pg1, "pkill -STOP -u postgres -f 'walsender'");
    await sql(pg1, 'insert into written select generate_series(100, 199)');
    await must(pg1, 'pkill -KILL -u postgres postgres || pkill -KILL -u postgres postmaster');
    await expect.poll(async () => (await pg1.exec('pgrep -u postgres -f walsender')).code, { timeout: patience(30_000) }).toBe(1);
    const check = await cluster.run('failover', '--check');
    expect([check.code, check.all]).toEqual([0, expect.stringMatching(/at least \d{4,} bytes are lost, but for the disk of pg1/u)]);
    const run = await cluster.run('failover', '--yes');
    expect([run.code, run.all]).toEqual([0, expect.any(String)]);
    const [primary] = await primaries();
    const [to] = hosts.filter((host) => host.name === primary) as [LabHost];
    expect(await sql(to, 'select count(*) from written')).toBe('3');
    expect(await streams(to)).toBe(to.name === 'pg2' ? 'pg3' : 'pg2');
    expect(await must(pg1, `systemctl is-active ${unit} || :; ls ${data}/standby.signal`)).toMatch(
      /^(?:inactive|failed)\n.*standby\.signal$/u,
    );
    const rebuilt = await cluster.run('rebuild', '--host', 'pg1', '--give-up-commits', '--yes');
    expect([rebuilt.code, rebuilt.all]).toEqual([0, expect.any(String)]);
    expect(await sql(pg1, 'select count(*) from written')).toBe('3');
    await write({ leader: to.name });
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('fails over from a host that is off, after its standbys have found that out, also when pgprov is killed in the promotion', async () => {
    const [primary] = await primaries();
    const [from] = hosts.filter((host) => host.name === primary) as [LabHost];
    await from.kill();
    const check = await cluster.run('failover', '--check');
    expect([check.code, check.all]).toEqual([
      0,
      expect.stringContaining(`the host of ${from.name} cannot be reached, so how far it was is unknown`),
    ]);
    const killed = start(['failover', cluster.file, '--yes', '--output', 'json']);
    await killed.printed(/"type":"changing"[^\n]*"stage":"failover\/promote"/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const run = await cluster.run('failover', '--yes');
    expect([run.code, run.all]).toEqual([0, expect.stringContaining(`${from.name} could not be kept from coming back as a primary`)]);
    expect(await primaries()).toHaveLength(1);
    const [to = ''] = await primaries();
    // As a host that somebody switches on again.
    await from.start();
    await from.ready();
    await expect.poll(async () => (await primaries()).length, { timeout: patience(60_000) }).toBe(2);
    const apply = await cluster.run('apply');
    expect([apply.code, apply.all]).toEqual([4, expect.stringContaining('are both primaries of one database')]);
    await must(from, `systemctl stop ${unit} && install -o postgres -g postgres -m 600 /dev/null ${data}/standby.signal`);
    const rebuilt = await cluster.run('rebuild', '--host', from.name, '--give-up-commits', '--yes');
    expect([rebuilt.code, rebuilt.all]).toEqual([0, expect.any(String)]);
    expect(await primaries()).toEqual([to]);
    await write({ leader: to });
    expect((await cluster.run('apply')).code).toBe(0);
  });
});
