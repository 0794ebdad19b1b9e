import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { placesOf } from '../integration/support/places.js';

const at = doctorsCluster();

const { data: DATA } = placesOf('debian13');

it('finds a second server that takes writes, and has it begin anew with its own data beside it', async () => {
  const { doctor } = at;
  const { leader, one, other } = await doctor.members();
  await doctor.patronictl(leader, 'pause --wait demo');
  const [found] = await doctor.provoke({
    diagnosis: 'second-writer',
    level: 'broken',
    host: one,
    line: /LOG: {2}(?:selected new timeline ID: \d+|received promote request)/u,
    what: new RegExp(`^it takes writes beside ${leader}, which leads$`, 'u'),
    wrong: async () => {
      await doctor.at(one, 'SELECT pg_promote()');
      await doctor.at(one, 'CREATE TABLE only_here AS SELECT 1 AS n');
    },
    advice: 'mends',
  });
  expect(found?.evidence.map(({ line }) => line).join('\n')).toContain('and it holds the leader’s key');
  expect((await doctor.members()).leader).toBe(leader);
  for (const name of [one, other]) expect(await doctor.at(name, "SELECT to_regclass('only_here') IS NULL")).toBe('t');
  expect(await doctor.on(one, `ls -d ${DATA}*/PG_VERSION | wc -l`)).toBe('2');
});

it('finds that clients get no connection, and who has all of them', async () => {
  const { doctor } = at;
  const { leader } = await doctor.members();
  // Who is refused tries again, so that some are refused all the time.
  const tries = `while [ -e /run/crowd ]; do runuser -u crowd -- psql -qX -d postgres -c "SELECT pg_sleep(600)"; sleep 3; done`;
  await doctor.at(leader, 'CREATE ROLE crowd LOGIN');
  await doctor.provoke({
    diagnosis: 'connections-spent',
    level: 'broken',
    host: leader,
    line: /^\d+ of crowd in postgres \(psql\): active$/u,
    what: /^max_connections is reached, and PostgreSQL refuses connections, /u,
    wrong: () =>
      doctor.on(
        leader,
        `useradd crowd; touch /run/crowd; cd /; for n in $(seq 110); do setsid sh -c '${tries}' >/dev/null 2>&1 & done; sleep 1`,
      ),
    advice: /crowd +\| postgres +\| psql/u,
    undo: async () => {
      await doctor.on(leader, 'rm /run/crowd; sleep 3');
      await doctor.at(leader, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crowd'");
      await doctor.at(leader, 'DROP ROLE crowd');
    },
  });
});

it('finds a Patroni of another version, and has it restarted', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  const file = await doctor.on(one, "cd /; python3 -c 'import patroni.version as v; print(v.__file__)'");
  await doctor.provoke({
    diagnosis: 'versions',
    level: 'danger',
    line: /^Patroni 3\.9\.9$/u,
    wrong: () => doctor.on(one, `cp -p ${file} /root/version; echo "__version__ = '3.9.9'" >${file}; systemctl restart patroni`),
    cause: () => doctor.on(one, `cp -p /root/version ${file}`),
    advice: 'mends',
  });
});
