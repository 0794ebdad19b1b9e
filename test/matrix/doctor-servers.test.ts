import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';
import { placesOf } from '../integration/support/places.js';

/**
 * What is not here cannot be had in the lab: a transaction of an hour and a restart put off for a day (time), members of two versions (the mirror
 * has one), a paused replay (Patroni ends it by itself).
 */

let cluster: TestCluster;
let doctor: Doctor;

const DATA = placesOf('debian13').data;

beforeAll(async () => {
  cluster = await TestCluster.converged();
  doctor = new Doctor(cluster);
});

afterAll(() => cluster.remove());

describe('the primary', () => {
  it('has a collation of another version', async () => {
    const { leader } = await doctor.members();
    await doctor.provoke(
      { diagnosis: 'collations', level: 'danger', host: leader, line: /^sorted: datcollversion 1\.0, the system has \d/u, mends: true },
      async () => {
        await doctor.at(leader, "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'");
        await doctor.at(leader, "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'sorted'");
      },
      () => doctor.at(leader, 'DROP DATABASE sorted'),
    );
  });

  it('runs out of transaction numbers', async () => {
    const { leader } = await doctor.members();
    await doctor.provoke(
      { diagnosis: 'wraparound', level: 'danger', host: leader, line: /^old: age 15\d{8} of 2147483648$/u, mends: true },
      async () => {
        await doctor.at(leader, 'CREATE DATABASE old');
        // As if nobody had vacuumed it for 1.5 billion transactions.
        const frozen = '((pg_current_xact_id()::text::bigint - 1500000000 + 4294967296) % 4294967296)::text::xid';
        await doctor.at(leader, `UPDATE pg_database SET datfrozenxid = ${frozen} WHERE datname = 'old'`);
      },
      () => doctor.at(leader, 'DROP DATABASE old'),
    );
  });

  it('cannot archive its WAL, in the words of the command', async () => {
    const { leader } = await doctor.members();
    const restart = (): Promise<string> => doctor.patronictl(leader, `restart --force demo ${leader}`);
    await doctor.provoke(
      { diagnosis: 'archiver', level: 'danger', host: leader, line: /^cp: cannot create regular file '\/nowhere\// },
      async () => {
        await doctor.at(leader, "ALTER SYSTEM SET archive_mode = 'on'");
        await doctor.at(leader, "ALTER SYSTEM SET archive_command = 'cp %p /nowhere/%f'");
        await restart();
        await doctor.at(leader, 'SELECT pg_switch_wal()');
      },
      async () => {
        await doctor.at(leader, 'ALTER SYSTEM RESET archive_mode');
        await doctor.at(leader, 'ALTER SYSTEM RESET archive_command');
        await restart();
      },
    );
  });

  it('has no space for a sort', async () => {
    const { leader } = await doctor.members();
    const temporary = `${DATA}/base/pgsql_tmp`;
    await doctor.provoke(
      {
        diagnosis: 'no-space',
        level: 'broken',
        host: leader,
        line: /ERROR: {2}could not write to file "base\/pgsql_tmp\/.*: No space left on device/u,
      },
      async () => {
        const owner = 'uid=$(id -u postgres),gid=$(id -g postgres),mode=700';
        await doctor.on(
          leader,
          `install -d -o postgres -g postgres -m 700 ${temporary}; mount -t tmpfs -o size=64k,${owner} tmpfs ${temporary}`,
        );
        await doctor
          .at(leader, "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT * FROM generate_series(1, 500000) g ORDER BY g DESC) t")
          .catch(() => '');
      },
      () => doctor.on(leader, `umount -l ${temporary}`),
    );
  });

  it('refuses a standby by pg_hba.conf, told once and by the server that refuses', async () => {
    const { leader, one } = await doctor.members();
    const { address } = cluster.host(one);
    const found = await doctor.provoke(
      {
        diagnosis: 'access-refused',
        level: 'danger',
        host: leader,
        line: /FATAL: {2}pg_hba\.conf rejects replication connection for host/u,
        mends: true,
      },
      async () => {
        await doctor.on(leader, `sed -i '1i host replication replicator ${address}/32 reject' ${DATA}/pg_hba.conf`);
        await doctor.at(leader, 'SELECT pg_reload_conf()');
        await doctor.at(leader, `SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = '${one}'`);
      },
    );
    expect(found.what).toContain(`refuses replicator from ${address} (replication`);
  });

  it('waits for a synchronous standby that is not there', async () => {
    const { leader, one, other } = await doctor.members();
    await cluster.write({ patroni: { synchronous_mode: true } });
    expect((await cluster.run('apply')).code).toBe(0);
    await doctor.provoke(
      {
        diagnosis: 'synchronous',
        level: 'danger',
        line: new RegExp(`^sync: leader ${leader}, no standby; synchronous_mode true$`, 'u'),
        mends: true,
      },
      () => Promise.all([one, other].map((name) => doctor.on(name, 'systemctl stop patroni'))),
      async () => {
        await cluster.write();
        expect((await cluster.run('apply')).code).toBe(0);
      },
    );
  });
});
