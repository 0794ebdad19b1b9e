import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import { EARLIER, SYSTEMS, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { SteadyClient } from '../walk/steady-client.js';

const { postgresql: older } = EARLIER;
const { postgresql: newer } = SYSTEMS.debian13;
const MEMBER = ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];

describe('a major upgrade of a cluster that is backed up, on Debian 13', () => {
  let cluster: TestCluster;
  /** Also the third member of etcd. */
  let repository: LabHost;
  const members = (): LabHost[] => cluster.hosts.filter((host) => host !== repository);
  const upgrade = (...more: string[]): Promise<Finished> => cluster.run('upgrade', ...more, '--yes', '--output', 'plain');

  const write = (backup: Record<string, unknown> = {}): Promise<string> => {
    const hosts = cluster.hosts.map(({ name, address }) => [
      name,
      {
        address,
        roles:
          name === 'pg3' ? ['base', 'pgdg', 'etcd', 'backup-repository'] : name === 'pg1' ? [...MEMBER, 'haproxy', 'pgbouncer'] : MEMBER,
      },
    ]);
    return cluster.write(
      withClient({
        hosts: Object.fromEntries(hosts) as Record<string, unknown>,
        postgresql: { version: older, data_dir: '/srv/pg/{version}/main' },
        pgbouncer: { query_wait_timeout: 600 },
        backup,
      }),
    );
  };

  const leader = async (): Promise<LabHost> => {
    for (const host of members()) {
      const answer = await host.exec("runuser -u postgres -- psql -XAtqc 'SELECT pg_is_in_recovery()'");
      if (answer.stdout.trim() === 'f') return host;
    }
    throw new Error('nobody takes writes');
  };

  const majors = (): Promise<string[]> =>
    Promise.all(members().map((host) => sql(host, "SELECT current_setting('server_version_num')::int / 10000")));
  const identifier = async (): Promise<string> => sql(await leader(), 'SELECT system_identifier FROM pg_control_system()');
  const rows = async (): Promise<string> => sql(await leader(), 'SELECT count(*) FROM kept');
  const timers = (): Promise<string> =>
    must(repository, "systemctl list-units --plain --no-legend 'pgprov-backup@*.timer' | grep -c active");

  /** The version and the identifier of the database that the stanza is of, its backups that are of it, and how many there are in all. */
  const stanza = async (): Promise<{ version: string; id: string; own: string[]; all: number }> => {
    const { db, backup } = await backupsOf(repository);
    const last = db.at(-1);
    const own = backup.filter(({ database }) => database.id === last?.id).map(({ type }) => type);
    return {
      version: last?.version ?? '',
      id:
        /"system-id":(\d+)[^{]*$/u.exec(
          await pgbackrest(repository, "--stanza=demo --output=json info | tr '}' '\\n' | grep system-id"),
        )?.[1] ?? '',
      own,
      all: backup.length,
    };
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('mxupgradebk', 'debian13', 3, 'packages');
    repository = cluster.host('pg3');
    await write();
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    await sql(await leader(), 'CREATE TABLE kept AS SELECT g AS id FROM generate_series(1, 20000) g');
    expect((await cluster.run('backup', '--type', 'full', '--yes')).code).toBe(0);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is refused, with nothing stopped, where WAL does not arrive', async () => {
    const first = await leader();
    const info = '/var/lib/pgbackrest/archive/demo/archive.info';
    await must(repository, `mv ${info} ${info}.copy /root/`);
    await sql(first, "SELECT pg_switch_wal() FROM pg_logical_emit_message(true, 'test', 'x')");
    const failed = async (): Promise<number> => Number(await sql(first, 'SELECT failed_count FROM pg_stat_archiver'));
    await expect.poll(failed, { timeout: patience(120_000) }).toBeGreaterThan(0);
    const refused = await upgrade('--to', String(newer));
    await must(repository, `mv /root/archive.info /root/archive.info.copy ${info.replace(/[^/]+$/u, '')}`);
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('nothing was changed')]);
    await pgbackrest(repository, '--stanza=demo check');
    expect(await majors()).toEqual([String(older), String(older)]);
  });

  it('gives the stanza the new database and takes its first full backup, also after kill -9 at its steps', async () => {
    const before = await stanza();
    expect([before.version, before.id]).toEqual([String(older), await identifier()]);
    for (const at of [/hold +/u, /configure-backups +/u, /stanza +/u, /backup-pg3 +/u]) {
      const run = start(['upgrade', cluster.file, '--to', String(newer), '--yes', '--output', 'plain']);
      await Promise.race([run.printed(at).catch(() => undefined), run.finished]);
      run.process.kill('SIGKILL');
      await run.finished;
    }
    const run = await upgrade('--to', String(newer));
    expect(run.all).not.toContain('error:');
    expect(run.code, run.all).toBe(0);
    expect([await majors(), await rows()]).toEqual([[String(newer), String(newer)], '20000']);
    const after = await stanza();
    expect([after.version, after.id]).toEqual([String(newer), await identifier()]);
    expect(after.own).toContain('full');
    expect(after.all).toBeGreaterThan(before.all);
    expect(await timers()).not.toBe('0');
    await pgbackrest(repository, '--stanza=demo check');
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('can be restored to a moment since, and not to one before', async () => {
    const drill = await pgprov('drill', 'restore', cluster.file, '--output', 'plain');
    expect([drill.code, drill.all]).toEqual([0, expect.any(String)]);
    const { backup } = await backupsOf(repository);
    const [oldest] = backup;
    const refused = await cluster.run('restore', '--backup', oldest?.label ?? '', '--yes', '--output', 'plain');
    expect([refused.code, refused.all]).toEqual([4, expect.stringMatching(new RegExp(`PostgreSQL ${older}`, 'u'))]);
    // As docs/backups.md has it.
    const first = await leader();
    const path = `/var/lib/postgresql/${older}/earlier`;
    const target = '--archive-mode=off --type=immediate --target-action=promote';
    await pgbackrest(first, `--stanza=demo --set=${oldest?.label} --pg1-path=${path} ${target} restore`);
    const options = "-p 5999 -c listen_addresses='' -c unix_socket_directories=/tmp";
    const control = `cd / && runuser -u postgres -- /usr/lib/postgresql/${older}/bin/pg_ctl -D ${path} -w`;
    await must(first, `${control} -l /tmp/earlier.log -o "${options}" start`);
    expect(await must(first, "cd / && runuser -u postgres -- psql -h /tmp -p 5999 -XAtqc 'SELECT count(*) FROM kept'")).toBe('20000');
    await must(first, `${control} -m fast stop && rm -rf ${path}`);
  });

  it('is taken back with its stanza, which gets a full backup of the former data', async () => {
    await sql(await leader(), 'INSERT INTO kept VALUES (0)');
    const back = await upgrade('--undo', '--to', String(older));
    expect(back.all).not.toContain('error:');
    expect(back.code).toBe(0);
    expect([await majors(), await rows()]).toEqual([[String(older), String(older)], '20000']);
    const after = await stanza();
    expect([after.version, after.id]).toEqual([String(older), await identifier()]);
    expect(after.own).toContain('full');
    await pgbackrest(repository, '--stanza=demo check');
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('makes standbys from that first backup where the inventory has them made from backups, while clients of paused pools wait', async () => {
    await write({ replicas_from_backup: true });
    expect((await cluster.run('apply')).code).toBe(0);
    for (const host of cluster.hosts)
      await must(host, `for each in /srv/pg/${newer}/main.aside-*; do [ ! -d "$each" ] || rm -rf "$each"; done`);
    await sql(await leader(), `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'`);
    await sql(await leader(), 'CREATE TABLE pooled (id bigserial PRIMARY KEY); GRANT ALL ON pooled, pooled_id_seq TO clerk');
    const access = { addresses: [cluster.host('pg1').address], port: 6432, ...CLIENT };
    const client = await SteadyClient.start(access, 'INSERT INTO pooled DEFAULT VALUES RETURNING id');
    try {
      const run = await upgrade('--to', String(newer), '--pause-pools');
      expect(run.all).not.toContain('error:');
      expect(run.code, run.all).toBe(0);
      await client.moves();
      expect(client.errors).toEqual([]);
    } finally {
      await client.stop();
    }
    expect(Number(await sql(await leader(), 'SELECT count(*) FROM pooled'))).toBeGreaterThanOrEqual(client.answered);
    expect([await majors(), await rows()]).toEqual([[String(newer), String(newer)], '20000']);
    const first = await leader();
    const [standby] = members().filter((host) => host !== first) as [LabHost];
    expect(await must(standby, 'journalctl -u patroni --no-pager | tail -n 400')).toContain('replica has been created using pgbackrest');
    expect((await upgrade('--finish')).code).toBe(0);
  });
});
