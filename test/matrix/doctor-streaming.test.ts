import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

let cluster: TestCluster;
let doctor: Doctor;

const { data: DATA, home: HOME } = placesOf('debian13');
const UNIT = 'postgresql@17-main';
const SIGNAL = `${DATA}/standby.signal`;
const INVENTORY = { roles: ['base', 'pgdg', 'postgresql', 'replication'], postgresql: { version: 17 } };

beforeAll(async () => {
  cluster = await TestCluster.start('mxdocstr', 'debian13', 3, 'packages');
  await cluster.write(INVENTORY);
  const applied = await cluster.run('apply');
  expect(applied.code, applied.all).toBe(0);
  doctor = new Doctor(cluster);
});

afterAll(() => cluster?.remove());

/** Ends the connection of a standby to its primary, which it tries to get again at once. */
const cut = (standby: string): Promise<string> =>
  doctor.at('pg1', `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${standby}'`);

/** Waits until a server takes writes, or until it follows. */
const isStandby = (name: string, is: 't' | 'f'): Promise<void> =>
  expect.poll(() => doctor.at(name, 'SELECT pg_is_in_recovery()').catch(String), { timeout: patience(60_000) }).toBe(is);

it('finds nothing on servers that are well, not even what is worth a word', () =>
  expect.poll(() => doctor.findings(), { timeout: patience(30_000) }).toEqual([]));

it('finds that the password on the primary is not that of the servers, and has it set', async () => {
  const [found] = await doctor.provoke({
    diagnosis: 'standby-password',
    level: 'danger',
    line: /FATAL: {2}password authentication failed for user "replicator"/u,
    what: /^the password of the replication role on pg1 is not the one that the servers have in their \.pgpass$/u,
    wrong: async () => {
      await doctor.at('pg1', "ALTER ROLE replicator PASSWORD 'changed'");
      await cut('pg2');
    },
    advice: 'mends',
  });
  expect(found?.consequences.map(({ diagnosis, host }) => [diagnosis, host])).toEqual([['standby-cut-off', 'pg2']]);
});

it('finds a standby that has another password in its .pgpass, before and after it has to connect anew', async () => {
  const login = { diagnosis: 'standby-password', level: 'danger', host: 'pg3', line: /password authentication failed/u } as const;
  await doctor.on('pg3', `sed -i 's/:replicator:.*/:replicator:changed/' ${HOME}/.pgpass`);
  await doctor.see({ ...login, what: /^its \.pgpass has another password for the replication role than the database$/u });
  await doctor.provoke({
    ...login,
    what: /^pg1 does not let it in: the password in its \.pgpass is not that of the replication role there$/u,
    wrong: () => cut('pg3'),
    advice: 'mends',
  });
});

it('finds a standby that does not stream, with the last words of its receiver, and has what it lacks made', async () => {
  const drop = (): Promise<string> =>
    cut('pg3')
      .then(() => doctor.at('pg1', "SELECT 'dropped' FROM pg_drop_replication_slot('pg3')"))
      .catch(String);
  await doctor.provoke({
    diagnosis: 'standby-cut-off',
    level: 'danger',
    host: 'pg3',
    line: /FATAL: {2}could not start WAL streaming: ERROR: {2}replication slot "pg3" does not exist/u,
    what: /^it does not stream from pg1, for \d+ s$/u,
    wrong: () => expect.poll(drop, { timeout: patience(30_000) }).toBe('dropped'),
    advice: 'mends',
  });
});

it('finds a standby that would be a primary after its next start, and a primary that would be a standby', async () => {
  await doctor.provoke(
    {
      diagnosis: 'standby-signal',
      level: 'danger',
      host: 'pg2',
      line: /^standby, timeline 1, at [0-9A-F/]+, without standby\.signal, receives WAL$/u,
      what: /^it runs as a standby, and its standby\.signal is gone$/u,
      wrong: () => doctor.on('pg2', `rm ${SIGNAL}`),
      advice: 'mends',
    },
    {
      diagnosis: 'standby-signal',
      level: 'danger',
      host: 'pg1',
      line: /^primary, timeline 1, at [0-9A-F/]+, with standby\.signal, sends WAL to pg[23] \(streaming\) and pg[23] \(streaming\)$/u,
      what: /^it is the primary and has a standby\.signal$/u,
      wrong: () => doctor.on('pg1', `install -o postgres -g postgres -m 600 /dev/null ${SIGNAL}`),
      advice: 'mends',
    },
  );
  for (const name of ['pg2', 'pg3']) await doctor.on(name, `systemctl restart ${UNIT}`);
  for (const name of ['pg2', 'pg3']) await isStandby(name, 't');
  await doctor.isWell();
});

it('finds two servers that take writes, then that the one which was stopped would do so again, and has it made a standby', async () => {
  await promoted('pg3');
  const [found] = await doctor.see({
    diagnosis: 'two-primaries',
    level: 'broken',
    line: /^primary, timeline 2, at [0-9A-F/]+, without standby\.signal, sends WAL to nobody$/u,
    what: /^pg1 \(timeline 1\) and pg3 \(timeline 2\) are primaries of one database \(system identifier \d+\)$/u,
  });
  expect(found?.mend).toContain(`or \`systemctl stop ${UNIT}\`, as root on pg3.`);
  await doctor.on('pg3', `systemctl stop ${UNIT}`);
  const [stopped] = await doctor.see(
    {
      diagnosis: 'standby-signal',
      level: 'danger',
      host: 'pg3',
      line: /^it does not answer; without standby\.signal$/u,
      what: /^it is down and has no standby\.signal$/u,
    },
    { diagnosis: 'unit-stopped', level: 'broken', host: 'pg3', line: new RegExp(`^${UNIT}\\.service is inactive$`, 'u') },
  );
  expect(stopped?.mend).toMatch(
    /^do not start it\..*`pgprov rebuild .* --host pg3 --give-up-commits` keeps its data aside and makes a standby there$/u,
  );
  await doctor.follow({ ...(stopped as NonNullable<typeof stopped>), mend: lastCommand(stopped?.mend) }, { advice: 'mends' });
  await doctor.isWell();
  expect(await doctor.at('pg3', "SELECT to_regclass('only_here') IS NULL")).toBe('t');
  expect(await doctor.on('pg3', `ls -d ${DATA}*/PG_VERSION | wc -l`)).toBe('2');
});

it('finds a standby on a timeline that parted from that of the primary, and has it made anew', async () => {
  await doctor.provoke({
    diagnosis: 'standby-timeline',
    level: 'danger',
    host: 'pg2',
    line: /^standby, timeline 2, at [0-9A-F/]+, with standby\.signal, receives no WAL$/u,
    what: /^its timeline 2 has parted from timeline 1 of pg1$/u,
    wrong: async () => {
      await promoted('pg2');
      await doctor.on('pg2', `systemctl stop ${UNIT}; install -o postgres -g postgres -m 600 /dev/null ${SIGNAL}; systemctl start ${UNIT}`);
      await isStandby('pg2', 't');
    },
    advice: 'mends',
  });
});

it('finds that another server is the primary than the inventory says', async () => {
  const moved = await cluster.run('switchover', '--to', 'pg2', '--yes');
  expect(moved.code, moved.all).toBe(0);
  const [found] = await doctor.see({
    diagnosis: 'primary-differs',
    level: 'notice',
    host: 'pg2',
    line: /^primary, timeline 2, at [0-9A-F/]+, without standby\.signal, sends WAL to pg1 \(streaming\) and pg3 \(streaming\)$/u,
    what: /^pg2 is the primary, and the inventory says pg1 /u,
  });
  expect(found?.mend).toContain('write `leader: pg2` at the top of the inventory, if it is to stay so');
  await doctor.follow({ ...(found as NonNullable<typeof found>), mend: lastCommand(found?.mend) }, { advice: 'mends' });
  expect((await cluster.run('plan')).all).not.toContain('the inventory says');
  expect(await doctor.findings()).toEqual([]);
});

/** Makes a standby a primary behind the back of the others, with a table of its own. */
async function promoted(name: string): Promise<void> {
  await doctor.at(name, 'SELECT pg_promote()');
  await isStandby(name, 'f');
  await doctor.at(name, 'CREATE TABLE only_here AS SELECT 1 AS n');
}

/** The last command of advice that leaves the choice to a person. */
const lastCommand = (mend = ''): string => mend.slice(mend.lastIndexOf('`pgprov '));
