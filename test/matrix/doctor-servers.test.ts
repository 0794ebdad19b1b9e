import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const DATA = placesOf('debian13').data;

/** Waits until a standby has replayed what made a table. */
function has(name: string, table: string): Promise<void> {
  return expect.poll(() => at.doctor.at(name, `SELECT to_regclass('${table}')`), { timeout: patience(20_000) }).toBe(table);
}

it('finds what servers suffer from: collations, transaction numbers, the archive, room, damaged pages, and a standby that is refused', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  const { address } = cluster.host(other);
  const temporary = `${DATA}/base/pgsql_tmp`;
  const restart = (): Promise<string> => doctor.patronictl(leader, `restart --force demo ${leader}`);
  // Against the last numbers autovacuum runs whatever is set, but for a database that it has not come to.
  await doctor.at(leader, "ALTER SYSTEM SET autovacuum = 'off'");
  await doctor.at(leader, "ALTER SYSTEM SET archive_mode = 'on'");
  await restart();
  const [, , , , , refused] = await doctor.provoke(
    {
      diagnosis: 'collations',
      level: 'danger',
      host: leader,
      line: /^sorted: datcollversion 1\.0, the system has \d/u,
      wrong: async () => {
        await doctor.at(leader, "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'");
        await doctor.at(leader, "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'sorted'");
      },
      advice: 'mends',
      undo: () => doctor.at(leader, 'DROP DATABASE sorted'),
    },
    {
      diagnosis: 'wraparound',
      level: 'danger',
      host: leader,
      line: /^old: age 15\d{8} of 2147483648$/u,
      wrong: async () => {
        await doctor.at(leader, 'CREATE DATABASE old');
        // As if nobody had vacuumed it for 1.5 billion transactions.
        const frozen = '((pg_current_xact_id()::text::bigint - 1500000000 + 4294967296) % 4294967296)::text::xid';
        await doctor.at(leader, `UPDATE pg_database SET datfrozenxid = ${frozen} WHERE datname = 'old'`);
      },
      advice: 'mends',
      undo: () => doctor.at(leader, 'DROP DATABASE old'),
    },
    {
      diagnosis: 'archiver',
      level: 'danger',
      host: leader,
      line: /^cp: cannot create regular file '\/nowhere\//u,
      wrong: async () => {
        await doctor.at(leader, "ALTER SYSTEM SET archive_command = 'cp %p /nowhere/%f'");
        await doctor.at(leader, 'SELECT pg_reload_conf()');
        await doctor.at(leader, 'SELECT pg_switch_wal()');
      },
      advice: /^cp %p \/nowhere\/%f$/mu,
      undo: async () => {
        for (const name of ['archive_mode', 'archive_command', 'autovacuum']) await doctor.at(leader, `ALTER SYSTEM RESET ${name}`);
        await restart();
      },
    },
    {
      diagnosis: 'no-space',
      level: 'broken',
      host: leader,
      line: /ERROR: {2}could not write to file "base\/pgsql_tmp\/.*: No space left on device/u,
      wrong: async () => {
        const options = 'size=64k,uid=$(id -u postgres),gid=$(id -g postgres),mode=700';
        await doctor.on(leader, `install -d -o postgres -g postgres -m 700 ${temporary}; mount -t tmpfs -o ${options} tmpfs ${temporary}`);
        const sort = "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT * FROM generate_series(1, 500000) g ORDER BY g DESC) t";
        await doctor.at(leader, sort).catch(() => '');
      },
      advice: /pgsql_tmp$/mu,
      undo: () => doctor.on(leader, `umount -l ${temporary}`),
    },
    {
      diagnosis: 'checksums',
      level: 'broken',
      host: one,
      line: /WARNING: {2}page verification failed, calculated checksum \d+ but expected \d+/u,
      wrong: async () => {
        await doctor.at(leader, "CREATE TABLE hurt AS SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g");
        const file = await doctor.at(leader, "SELECT pg_relation_filepath('hurt')");
        await doctor.at(leader, 'CHECKPOINT');
        await has(one, 'hurt');
        await doctor.at(one, 'CHECKPOINT');
        await doctor.on(one, `printf '\\377' | dd of=${DATA}/${file} bs=1 seek=9000 conv=notrunc`);
        await doctor.patronictl(leader, `restart --force demo ${one}`);
        const read = (): Promise<string> => doctor.at(one, 'SELECT count(*) FROM hurt').catch(String);
        await expect.poll(read, { timeout: patience(30_000) }).toContain('invalid page');
      },
      advice: 'mends',
      undo: () => doctor.at(leader, 'DROP TABLE hurt'),
    },
    {
      diagnosis: 'access-refused',
      level: 'danger',
      host: leader,
      line: /FATAL: {2}pg_hba\.conf rejects replication connection for host/u,
      wrong: async () => {
        await doctor.on(leader, `sed -i '1i host replication replicator ${address}/32 reject' ${DATA}/pg_hba.conf`);
        await doctor.at(leader, 'SELECT pg_reload_conf()');
        await doctor.at(leader, `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${other}'`);
      },
      advice: 'mends',
    },
  );
  expect(refused?.what).toContain(`refuses replicator from ${address} (replication`);
});

it('finds a standby that replays far behind because of a query, and shows the query', async () => {
  const { doctor } = at;
  const { leader, one } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'lag',
    level: 'danger',
    host: one,
    line: new RegExp(`^${one}: .* not sent, 1\\d\\d\\.?\\d* MiB not replayed`, 'u'),
    wrong: async () => {
      await doctor.at(leader, 'CREATE TABLE locked (a int)');
      await has(one, 'locked');
      await doctor.at(one, 'ALTER SYSTEM SET max_standby_streaming_delay = -1');
      await doctor.at(one, 'SELECT pg_reload_conf()');
      const query = `runuser -u postgres -- sh -c 'psql -qc "BEGIN; TABLE locked; SELECT pg_sleep(300)" >/dev/null 2>&1 &'; sleep 2`;
      await doctor.on(one, query);
      await doctor.at(leader, 'DROP TABLE locked');
      for (let segment = 0; segment < 9; segment += 1) {
        await doctor.at(leader, 'SELECT txid_current()');
        await doctor.at(leader, 'SELECT pg_switch_wal()');
      }
    },
    advice: /TABLE locked/u,
    undo: async () => {
      await doctor.at(one, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; TABLE locked%'");
      await doctor.at(one, 'ALTER SYSTEM RESET max_standby_streaming_delay');
      await doctor.at(one, 'SELECT pg_reload_conf()');
    },
  });
});

it('finds that nobody is synchronous, and a standby without the huge pages that it must have', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  await cluster.write({ patroni: { synchronous_mode: true } });
  expect((await cluster.run('apply')).code).toBe(0);
  const [pages] = await doctor.provoke(
    {
      diagnosis: 'huge-pages',
      level: 'broken',
      host: one,
      line: /FATAL: {2}could not map anonymous shared memory: Cannot allocate memory/u,
      wrong: async () => {
        await doctor.on(one, `echo 'huge_pages = on' >>${DATA}/postgresql.auto.conf`);
        await doctor.patronictl(leader, `restart --force demo ${one}`).catch(() => '');
      },
      undo: () => doctor.on(one, `sed -i /huge_pages/d ${DATA}/postgresql.auto.conf`),
    },
    {
      diagnosis: 'synchronous',
      level: 'danger',
      line: new RegExp(`^sync: leader ${leader}, no standby; synchronous_mode true$`, 'u'),
      wrong: () => doctor.on(other, 'systemctl stop patroni'),
      advice: 'mends',
    },
    {
      diagnosis: 'unit-stopped',
      level: 'broken',
      host: other,
      line: /^patroni\.service is inactive$/u,
    },
  );
  expect(pages?.mend).toMatch(/^reserve them: `sysctl -w vm\.nr_hugepages=\d+`/u);
  expect(pages?.consequences.map(({ diagnosis }) => diagnosis)).toContain('shared-memory');
  await cluster.write();
  expect((await cluster.run('apply')).code).toBe(0);
});
