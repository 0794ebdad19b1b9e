import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

describe.each([
  { os: 'debian13', name: 'mxsgd13' },
  { os: 'rocky9', name: 'mxsgr9' },
] as const)('what servers that stream without Patroni refuse on $os', ({ os, name }) => {
  const { family, postgresql: version } = SYSTEMS[os];
  const { data: DATA, postgresqlBin: bin } = placesOf(os);
  const unit = family === 'el' ? `postgresql-${version}` : `postgresql@${version}-main`;
  const config = family === 'el' ? DATA : `/etc/postgresql/${version}/main`;
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start(name, os, 3, 'packages');
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'] });
    const run = await cluster.run('apply');
    expect([run.code, run.all]).toEqual([0, expect.not.stringContaining('error:')]);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const SIGNAL = `install -o postgres -g postgres -m 600 /dev/null ${DATA}/standby.signal`;

  /** What a refusal must leave as it is: the servers, who is what, the signals, the slots and the files of each. */
  const identity = (): Promise<string[]> =>
    Promise.all(
      cluster.hosts.map((host) =>
        must(
          host,
          `systemctl show -p ActiveState -p MainPID ${unit}
ls -di ${DATA} ${DATA}/standby.signal ${DATA}/pg_replslot/* 2>&1 || :
runuser -u postgres -- psql -XAtc 'select pg_is_in_recovery(), pg_postmaster_start_time(), pg_conf_load_time()' 2>&1 || :
find ${config}/conf.d /var/lib/pgprov -type f -printf '%p %T@ %i\\n' | sort`,
        ),
      ),
    );

  /** Plan and apply refuse with these words, and nothing was changed. */
  async function refuses(...words: readonly (string | RegExp)[]): Promise<void> {
    const before = await identity();
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command);
      expect([run.code, run.all]).toEqual([4, expect.anything()]);
      const text = run.all.replace(/\s+/gu, ' ');
      for (const word of words) {
        if (typeof word === 'string') expect(text).toContain(word);
        else expect(text).toMatch(word);
      }
    }
    expect(await identity()).toEqual(before);
  }

  const streams = (host: LabHost): Promise<string> =>
    sql(host, "select string_agg(application_name || ' ' || state, ', ' order by application_name) from pg_stat_replication");

  /** All is as it was at first: nothing is left to do, and both standbys stream from pg1. */
  async function isWell(): Promise<void> {
    await expect.poll(() => streams(pg1), { timeout: patience(60_000) }).toBe('pg2 streaming, pg3 streaming');
    const run = await cluster.run('apply');
    expect([run.code, run.all]).toEqual([0, expect.stringContaining('No changes')]);
  }

  /** Has a host copied anew, in the way that messages name. */
  async function copyAnew(host: LabHost): Promise<void> {
    await must(host, `systemctl stop ${unit} && rm -rf ${DATA}.former && mv ${DATA} ${DATA}.former`);
    const run = await cluster.run('apply');
    expect([run.code, run.all]).toEqual([0, expect.not.stringContaining('error:')]);
    await isWell();
  }

  it('a standby that runs without its standby.signal', async () => {
    await must(pg2, `rm ${DATA}/standby.signal`);
    await refuses('pg2 runs as a standby, and its standby.signal is gone', SIGNAL);
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([1, expect.stringMatching(/is a standby and has\s+no standby\.signal/u)]);
    await must(pg2, SIGNAL);
    await isWell();
  });

  it('a standby that is down without its standby.signal', async () => {
    await must(pg2, `systemctl stop ${unit} && rm ${DATA}/standby.signal`);
    await refuses('pg2 is to be a standby of pg1 and has no standby.signal', 'would start as a second primary');
    await must(pg2, `${SIGNAL} && systemctl start ${unit}`);
    await isWell();
  });

  it('a primary with a standby.signal', async () => {
    await must(pg1, SIGNAL);
    await refuses('pg1 is the primary, and has a standby.signal', `rm ${DATA}/standby.signal`);
    await must(pg1, `rm ${DATA}/standby.signal`);
    await isWell();
  });

  it('a second primary of one database, named with the timelines of both', async () => {
    await sql(pg3, 'select pg_promote()');
    await refuses(
      /pg1 \(timeline 1, runs\) and pg3 \(timeline 2, runs\) are both primaries of one database \(system identifier \d+\)/u,
      /pgprov rebuild \S+ --host pg1[^]*pgprov rebuild \S+ --host pg3/u,
    );
    await must(pg3, `systemctl stop ${unit}`);
    // Down it would start as one.
    await refuses('pg3 is to be a standby of pg1 and has no standby.signal');
    await copyAnew(pg3);
  });

  it('two that are down and would both start as primaries', async () => {
    await must(pg1, `systemctl stop ${unit}`);
    await must(pg2, `systemctl stop ${unit} && rm ${DATA}/standby.signal`);
    await refuses(
      /pg1 \(timeline 1, down, without standby\.signal\) and pg2 \(timeline 1, down, without standby\.signal\)/u,
      'have the others start as standbys',
    );
    await must(pg2, SIGNAL);
    for (const host of [pg1, pg2]) await must(host, `systemctl start ${unit}`);
    await isWell();
  });

  it('a standby on a newer timeline than its primary', async () => {
    // Somebody promoted it and made it a standby again.
    await sql(pg3, 'select pg_promote()');
    await sql(pg3, 'create table lost (i int)');
    await sql(pg3, 'checkpoint');
    await must(pg3, `${SIGNAL} && systemctl restart ${unit}`);
    await refuses('pg3 is ahead of its primary: it is on timeline 2, and its primary pg1 on timeline 1');
    await copyAnew(pg3);
  });

  it('a standby that has WAL that its primary has not, because that came back from something older', async () => {
    await must(pg1, `systemctl stop ${unit} && cp -a ${DATA} ${DATA}.earlier && systemctl start ${unit}`);
    await sql(pg1, 'create table written as select generate_series(1, 10000) i');
    await expect.poll(() => sql(pg2, "select count(*) from pg_class where relname = 'written'"), { timeout: patience(30_000) }).toBe('1');
    await must(pg1, `systemctl stop ${unit} && mv ${DATA} ${DATA}.later && mv ${DATA}.earlier ${DATA} && systemctl start ${unit}`);
    await refuses(
      /pg[23] (?:has parted from the server that it streams from: it has replayed WAL|is ahead of its primary: it has WAL) up to/u,
      'keeps its data aside',
    );
    // A primary does not end before its standbys have confirmed what it has sent, and those that are ahead of it never confirm just that.
    await Promise.all([pg2, pg3].map((host) => must(host, `systemctl stop ${unit}`)));
    await must(pg1, `systemctl stop ${unit} && mv ${DATA} ${DATA}.earlier && mv ${DATA}.later ${DATA} && systemctl start ${unit}`);
    await Promise.all([pg2, pg3].map((host) => must(host, `systemctl start ${unit}`)));
    await isWell();
  });

  it('a server with another database', async () => {
    await must(
      pg2,
      `systemctl stop ${unit} && mv ${DATA} ${DATA}.aside && install -d -o postgres -g postgres -m 700 ${DATA} && runuser -u postgres -- ${bin}/initdb -D ${DATA} --data-checksums >/dev/null
${family === 'el' ? `cp -a ${DATA}.aside/conf.d ${DATA}/ && cp -a ${DATA}.aside/*.conf ${DATA}/` : ':'}`,
    );
    await refuses(
      /pg2 has another database \(system identifier \d+\) than pg1 \(\d+\): neither can be a standby of the other/u,
      'keeps its data aside',
    );
    await must(pg2, `rm -r ${DATA} && mv ${DATA}.aside ${DATA} && systemctl start ${unit}`);
    await isWell();
  });

  it('standbys without any primary, of which the one that has most is named', async () => {
    await must(pg1, `systemctl stop ${unit} && mv ${DATA} ${DATA}.aside`);
    await refuses(/no server is a primary: pg2 \(timeline 1, up to \S+\) and pg3/u, /promotes the one that has the most, pg[23]/u);
    await must(pg1, `mv ${DATA}.aside ${DATA} && systemctl start ${unit}`);
    await isWell();
  });

  it('a new database while the others were not asked for theirs', async () => {
    await must(pg1, `systemctl stop ${unit} && mv ${DATA} ${DATA}.aside`);
    const before = await identity();
    const run = await cluster.run('apply', '--host', 'pg1');
    expect([run.code, run.all.replace(/\s+/gu, ' ')]).toEqual([
      4,
      expect.stringContaining('pg1 has no database, and whether pg2 and pg3 have it was not asked: a new one is made only where none is'),
    ]);
    expect(await identity()).toEqual(before);
    await must(pg1, `mv ${DATA}.aside ${DATA} && systemctl start ${unit}`);
    await isWell();
  });

  it('a copy into a mount point, with the directory to take instead', async () => {
    await must(pg2, `systemctl stop ${unit} && mv ${DATA} ${DATA}.aside && install -d -o postgres -g postgres -m 700 ${DATA}`);
    await must(pg2, `mount -t tmpfs tmpfs ${DATA}`);
    await refuses(`the data directory ${DATA} is the mount point of a file system of its own and`, `data_dir: ${DATA}/data`);
    await must(pg2, `mkdir ${DATA}/lost+found`);
    await refuses(`the data directory ${DATA} is the mount point of a file system of its own, with lost+found, and`);
    await must(pg2, `umount ${DATA} && rmdir ${DATA} && mv ${DATA}.aside ${DATA} && systemctl start ${unit}`);
    await isWell();
  });

  it('a switchover from a primary that a recovery target of its own files would promote again, which no copy of it inherits', async () => {
    // As a restore by hand leaves them behind; a primary that runs does not go by them.
    for (const set of ["recovery_target_time = '2026-01-01 00:00:00+00'", "recovery_target_action = 'promote'"])
      await sql(pg1, `alter system set ${set}`);
    const refused = await cluster.run('switchover', '--to', 'pg2', '--yes');
    expect([refused.code, refused.all.replace(/\s+/gu, ' ')]).toEqual([
      4,
      expect.stringMatching(/pg1 could not become a standby: it has recovery_target_time of its own .*ALTER SYSTEM RESET/u),
    ]);
    const rebuilt = await cluster.run('rebuild', '--host', 'pg3', '--yes');
    expect([rebuilt.code, rebuilt.all]).toEqual([0, expect.any(String)]);
    // A recovery that has a target in the past ends with the first commit that it replays.
    await sql(pg1, 'create table after_target (i int)');
    await expect
      .poll(() => sql(pg3, "select pg_is_in_recovery(), count(*) from pg_class where relname = 'after_target'"), {
        timeout: patience(30_000),
      })
      .toBe('t|1');
    for (const name of ['recovery_target_time', 'recovery_target_action']) await sql(pg1, `alter system reset ${name}`);
    await sql(pg1, 'select pg_reload_conf()');
    await must(pg3, `rm -r ${DATA}.aside-*`);
    await isWell();
  });

  it('a change that synchronous standbys stop confirming while it is committed: it ends, and says what to do', async () => {
    const changed = { roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'], replication: { synchronous: ['pg2', 'pg3'] } };
    await cluster.write(changed);
    expect((await cluster.run('apply')).code).toBe(0);
    await cluster.write({ ...changed, postgresql: { version, users: { app: {} } } });
    // They stream, and so nothing tells beforehand that no commit will end.
    const receivers = (signal: string): Promise<string[]> =>
      Promise.all([pg2, pg3].map((host) => must(host, `pkill -${signal} -u postgres -f walreceiver`)));
    await receivers('STOP');
    const frozen = await cluster.run('apply');
    await receivers('CONT');
    expect([frozen.code, frozen.all.replace(/\s+/gu, ' ')]).toEqual([
      1,
      expect.stringMatching(
        /do not confirm them; what was to be changed is committed on this server alone; bring them back, then run the/u,
      ),
    ]);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.not.stringContaining('failed:')]);
    await expect.poll(() => sql(pg3, "select count(*) from pg_roles where rolname = 'app'"), { timeout: patience(30_000) }).toBe('1');
    await cluster.write({ roles: changed.roles });
    expect((await cluster.run('apply')).code).toBe(0);
    await isWell();
  });
});
