import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

let cluster: TestCluster;
let doctor: Doctor;

const DATA = placesOf('debian13').data;

beforeAll(async () => {
  cluster = await TestCluster.converged();
  doctor = new Doctor(cluster);
});

afterAll(() => cluster.remove());

/** Fills segments of WAL and has the server remove what nobody needs. */
async function writeWal(name: string, segments: number): Promise<void> {
  for (let round = 0; round < segments; round += 1) {
    await doctor.at(name, 'SELECT txid_current()');
    await doctor.at(name, 'SELECT pg_switch_wal()');
  }
  await doctor.at(name, 'CHECKPOINT');
}

describe('a standby', () => {
  it('finds a damaged page, and is copied anew', async () => {
    const { leader, one } = await doctor.members();
    await doctor.provoke(
      {
        diagnosis: 'checksums',
        level: 'broken',
        host: one,
        line: /WARNING: {2}page verification failed, calculated checksum \d+ but expected \d+/u,
        mends: true,
      },
      async () => {
        await doctor.at(leader, "CREATE TABLE hurt AS SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g");
        const file = await doctor.at(leader, "SELECT pg_relation_filepath('hurt')");
        await doctor.at(leader, 'CHECKPOINT');
        await expect.poll(() => doctor.at(one, "SELECT to_regclass('hurt')"), { timeout: patience(20_000) }).toBe('hurt');
        await doctor.at(one, 'CHECKPOINT');
        await doctor.on(one, `printf '\\377' | dd of=${DATA}/${file} bs=1 seek=9000 conv=notrunc`);
        await doctor.patronictl(leader, `restart --force demo ${one}`);
        await expect
          .poll(() => doctor.at(one, 'SELECT count(*) FROM hurt').catch(String), { timeout: patience(30_000) })
          .toContain('invalid page');
      },
      () => doctor.at(leader, 'DROP TABLE hurt'),
    );
  });

  it('replays far behind, because of a query', async () => {
    const { leader, one } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'lag', level: 'danger', host: one, line: new RegExp(`^${one}: .* not sent, 1\\d\\d\\.?\\d* MiB not replayed`, 'u') },
      async () => {
        await doctor.at(leader, 'CREATE TABLE locked (a int)');
        await expect.poll(() => doctor.at(one, "SELECT to_regclass('locked')"), { timeout: patience(20_000) }).toBe('locked');
        await doctor.at(one, 'ALTER SYSTEM SET max_standby_streaming_delay = -1');
        await doctor.at(one, 'SELECT pg_reload_conf()');
        await doctor.on(
          one,
          'runuser -u postgres -- sh -c \'psql -qc "BEGIN; TABLE locked; SELECT pg_sleep(300)" >/dev/null 2>&1 &\'; sleep 2',
        );
        await doctor.at(leader, 'DROP TABLE locked');
        await doctor.at(leader, 'CREATE TABLE big AS SELECT g, repeat(md5(g::text), 8) FROM generate_series(1, 600000) g');
      },
      async () => {
        await doctor.at(one, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; TABLE locked%'");
        await doctor.at(one, 'ALTER SYSTEM RESET max_standby_streaming_delay');
        await doctor.at(one, 'SELECT pg_reload_conf()');
        await doctor.at(leader, 'DROP TABLE IF EXISTS big');
      },
    );
    expect(found.mend).toContain('shows long queries there');
  });

  it('has no huge pages, told apart from more memory than there is', async () => {
    const { leader, one } = await doctor.members();
    const found = await doctor.provoke(
      {
        diagnosis: 'huge-pages',
        level: 'broken',
        host: one,
        line: /FATAL: {2}could not map anonymous shared memory: Cannot allocate memory/u,
      },
      async () => {
        await doctor.on(one, `echo 'huge_pages = on' >>${DATA}/postgresql.auto.conf`);
        await doctor.patronictl(leader, `restart --force demo ${one}`).catch(() => '');
      },
      () => doctor.on(one, `sed -i /huge_pages/d ${DATA}/postgresql.auto.conf`),
    );
    expect(found.consequences.map(({ diagnosis }) => diagnosis)).toContain('shared-memory');
    expect(found.mend).toMatch(/^reserve them: `sysctl -w vm\.nr_hugepages=\d+`/u);
  });

  it('needs WAL that is gone, is copied anew, and gets a slot that is of use', async () => {
    const { leader, other } = await doctor.members();
    // In an image the folder of a slot cannot be renamed, which is how PostgreSQL removes one.
    await doctor.on(leader, `cd ${DATA}/pg_replslot && for slot in *; do cp -a $slot /root/; rm -r $slot; mv /root/$slot .; done`);
    await doctor.configure('-p max_slot_wal_keep_size=1MB -p wal_keep_size=16MB');
    try {
      await doctor.on(other, 'systemctl stop patroni');
      await writeWal(leader, 6);
      const line = /LOG: {2}invalidating obsolete replication slot/u;
      const slot = await doctor.see({ diagnosis: 'slots', level: 'danger', host: leader, line });
      expect(slot.what).toBe(`the replication slot ${other} has lost WAL that its user needs`);
    } finally {
      await doctor.on(other, 'systemctl start patroni');
      await doctor.configure('-p max_slot_wal_keep_size=null -p wal_keep_size=null');
    }
    await doctor.provoke(
      {
        diagnosis: 'slots',
        level: 'danger',
        host: leader,
        line: new RegExp(`^${other}: physical, active, .*invalidated: wal_removed$`, 'u'),
        mends: true,
      },
      () =>
        doctor.see({
          diagnosis: 'wal-removed',
          level: 'danger',
          host: other,
          line: /ERROR: {2}requested WAL segment \w+ has already been removed/u,
          mends: true,
        }),
    );
  });

  it('has parted from a leader that it was not rewound to', async () => {
    const { leader: former } = await doctor.members();
    await doctor.configure('-s postgresql.use_pg_rewind=false');
    await doctor.provoke(
      {
        diagnosis: 'diverged',
        level: 'danger',
        host: former,
        line: /LOG: {2}new timeline \d+ forked off current database system timeline \d+ before/u,
        mends: true,
      },
      async () => {
        await doctor.on(former, 'for pid in $(pgrep -x postgres); do grep -q walsender /proc/$pid/cmdline && kill -STOP $pid; done; :');
        await doctor.at(former, 'CREATE TABLE extra AS SELECT * FROM generate_series(1, 1000)');
        await doctor.on(former, 'systemctl kill -s KILL patroni; sleep 1; systemctl stop patroni');
        await doctor.members(former);
        await doctor.on(former, 'systemctl start patroni');
      },
      () => doctor.configure('-s postgresql.use_pg_rewind=true'),
    );
  });
});

describe('timelines', () => {
  it('fork where two members took the same number, at different places', async () => {
    const { leader, one, other } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'history-fork', level: 'broken', host: one, line: /^.*; Patroni says timeline \d+$/u, mends: true },
      () => forked([one, leader], other),
    );
    expect(found.what).toMatch(new RegExp(`^its timeline \\d+ is another one than that of ${leader}, which leads`, 'u'));
  });

  it('fork where two members took the same number at the same place', async () => {
    const { leader, one, other } = await doctor.members();
    const found = await doctor.provoke(
      { diagnosis: 'history-fork', level: 'broken', host: one, line: /END_OF_RECOVERY tli \d+; prev tli \d+; time /u, mends: true },
      () => forked([one, other], leader),
    );
    expect(found.what).toMatch(new RegExp(`than that of ${other}, which leads`, 'u'));
  });

  /** All are down; one leads and writes, and is stopped; the next one leads without knowing of it; then all come up. */
  async function forked([first, second]: readonly [string, string], third: string): Promise<void> {
    const { leader, one, other } = await doctor.members();
    // So both standbys end with the same, and none of them takes the lead over.
    await doctor.on(leader, 'for pid in $(pgrep -x postgres); do grep -q walsender /proc/$pid/cmdline && kill -STOP $pid; done; sleep 1');
    await Promise.all([one, other].map((name) => doctor.on(name, 'systemctl stop patroni')));
    await doctor.on(leader, 'pkill -CONT -x postgres; systemctl stop patroni');
    for (const [name, rows] of [
      [first, 1],
      [second, 100_000],
    ] as const) {
      await doctor.on(name, 'systemctl start patroni');
      await expect.poll(() => doctor.at(name, 'SELECT pg_is_in_recovery()').catch(() => ''), { timeout: patience(90_000) }).toBe('f');
      await doctor.at(name, `DROP TABLE IF EXISTS of_${name}`);
      await doctor.at(name, `CREATE TABLE of_${name} AS SELECT * FROM generate_series(1, ${rows})`);
      if (name === first) await doctor.on(name, 'systemctl stop patroni');
    }
    for (const name of [first, third]) await doctor.on(name, 'systemctl start patroni');
  }
});
