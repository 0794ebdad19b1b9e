import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { provokeLostSlot, writeWal } from '../integration/support/lost-slot.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const { data: DATA, postgresqlBin: BIN } = placesOf('debian13');

it('finds a slot that has lost its WAL, the standby that needs it, and then a slot that is of no use', () =>
  provokeLostSlot(at.doctor, DATA));

it('finds a replay that is paused while Patroni looks away', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await doctor.configure('-s ttl=140 -s loop_wait=60');
  // Patroni has replay go on in its next loop: it must not come while doctor looks.
  const loops = (): Promise<string> => doctor.on(one, "journalctl -u patroni --since -5s -o cat | grep -c 'no action. I am' || :");
  await doctor.provoke({
    diagnosis: 'replay-paused',
    level: 'danger',
    host: one,
    line: /LOG: {2}recovery has paused$/u,
    wrong: async () => {
      await expect.poll(loops, { timeout: patience(70_000), interval: 1000 }).toBe('1');
      await doctor.at(one, 'SELECT pg_wal_replay_pause()');
      await doctor.on(one, 'sleep 31');
    },
    advice: 'mends',
  });
  await doctor.configure('-s ttl=30 -s loop_wait=10');
});

it('finds standbys that are ahead of a leader whose disk went back in time', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  const server = `runuser -u postgres -- ${BIN}/pg_ctl -D ${DATA} -w`;
  const start = `systemd-run --quiet --wait --unit=by-hand-$(date +%s) --property=KillMode=process ${server} -l /tmp/by-hand.log start`;
  const ahead = {
    diagnosis: 'wal-ahead',
    level: 'danger',
    line: /is ahead of the (?:WAL|upstream server's) flush position|^replica, running, timeline \d+$/u,
    advice: 'mends',
  } as const;
  await doctor.patronictl(leader, 'pause --wait demo');
  await doctor.on(leader, `${server} -m fast stop && cp -a ${DATA} /root/older && ${start}`);
  await doctor.at(leader, 'CREATE TABLE lost AS SELECT generate_series(1, 10000)');
  await writeWal(doctor, leader, 1);
  for (const name of [one, other])
    await expect.poll(() => doctor.at(name, "SELECT to_regclass('lost')"), { timeout: patience(20_000) }).toBe('lost');
  await doctor.on(leader, `${server} -m immediate stop; rm -r ${DATA}; mv /root/older ${DATA} && ${start}`);
  await doctor.patronictl(leader, 'resume --wait demo');
  await doctor.provoke({ ...ahead, host: one }, { ...ahead, host: other });
});

it('finds a former leader that has parted from the new one and was not rewound', async () => {
  const { doctor } = at;
  const { leader: former } = await doctor.members();
  await doctor.configure('-s postgresql.use_pg_rewind=false');
  await doctor.provoke({
    diagnosis: 'diverged',
    level: 'danger',
    host: former,
    line: /LOG: {2}new timeline \d+ forked off current database system timeline \d+ before/u,
    wrong: async () => {
      await doctor.on(former, 'for pid in $(pgrep -x postgres); do grep -q walsender /proc/$pid/cmdline && kill -STOP $pid; done; :');
      await doctor.at(former, 'CREATE TABLE extra AS SELECT * FROM generate_series(1, 1000)');
      await doctor.on(former, 'systemctl kill -s KILL patroni; sleep 1; systemctl stop patroni');
      await doctor.members(former);
      await doctor.on(former, 'systemctl start patroni');
    },
    advice: 'mends',
  });
  await doctor.configure('-s postgresql.use_pg_rewind=true');
});

it('finds a standby that does not get on because WAL was damaged on the leader, and has it copied anew', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'wal-unfit',
    level: 'danger',
    host: one,
    line: /LOG: {2}(?:incorrect resource manager data checksum in|invalid|record with|there is no contrecord)/u,
    what: new RegExp(`^it does not get on from [0-9A-F/]+: the WAL of ${leader}, which leads on the same timeline, does not continue`, 'u'),
    wrong: async () => {
      await doctor.on(one, 'systemctl stop patroni');
      await doctor.at(leader, 'SELECT pg_switch_wal()');
      await doctor.at(leader, "CREATE TABLE large AS SELECT g, repeat('x', 1000) FROM generate_series(1, 40000) g");
      const file = await doctor.at(leader, 'SELECT pg_walfile_name(pg_current_wal_lsn() - 16 * 1024 * 1024)');
      await doctor.at(leader, "CREATE TABLE larger AS SELECT g, repeat('x', 1000) FROM generate_series(1, 20000) g");
      await expect.poll(() => doctor.at(other, "SELECT to_regclass('larger')"), { timeout: patience(20_000) }).toBe('larger');
      await doctor.on(leader, `head -c 64 /dev/urandom | dd of=${DATA}/pg_wal/${file} bs=1 seek=9000000 conv=notrunc 2>/dev/null`);
      await doctor.on(one, 'systemctl start patroni');
    },
    advice: 'mends',
  });
  expect(await doctor.at(one, 'SELECT count(*) FROM larger')).toBe('20000');
});

it('finds two timelines of one number that were begun at different places', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'history-fork',
    level: 'broken',
    host: one,
    line: /^.*; Patroni says timeline \d+$/u,
    wrong: () => forked([one, leader], other),
    advice: 'mends',
  });
  expect(found?.what).toMatch(new RegExp(`^its timeline \\d+ is another one than that of ${leader}, which leads`, 'u'));
});

it('finds two timelines of one number that were begun at the same place', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'history-fork',
    level: 'broken',
    host: one,
    // A standby that streams may have overwritten the first record of its own; then the logs of both tell.
    line: /END_OF_RECOVERY tli \d+; prev tli \d+; time |LOG: {2}selected new timeline ID: \d+$/u,
    wrong: () => forked([one, other], leader),
    advice: 'mends',
  });
  expect(found?.what).toMatch(new RegExp(`than that of ${other}, which leads`, 'u'));
});

/** All are down; one leads and writes, and is stopped; the next one leads without knowing of it; then all come up. */
async function forked([first, second]: readonly [string, string], third: string): Promise<void> {
  const { doctor } = at;
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
    await expect.poll(() => doctor.at(name, 'SELECT pg_is_in_recovery()').catch(() => ''), { timeout: patience(60_000) }).toBe('f');
    await doctor.at(name, `DROP TABLE IF EXISTS of_${name}`);
    await doctor.at(name, `CREATE TABLE of_${name} AS SELECT * FROM generate_series(1, ${rows})`);
    if (name === first) await doctor.on(name, 'systemctl stop patroni');
  }
  for (const name of [first, third]) await doctor.on(name, 'systemctl start patroni');
}
