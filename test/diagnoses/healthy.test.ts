import { describe, expect, it } from 'vitest';
import { DIAGNOSES } from '../../src/diagnoses/index.js';
import { CATALOG } from '../../roles/index.js';
import { found, type Said } from './examined.js';

/** What Patroni and PostgreSQL write while a member is made, restarted or follows a new leader; seen with Patroni 4.0 and PostgreSQL 17. */
const MADE: readonly Said[] = [
  [400, 'patroni', "INFO: trying to bootstrap from leader 'pg1'"],
  [380, 'patroni', 'INFO: replica has been created using basebackup'],
  [379, 'postgresql', 'FATAL:  the database system is starting up'],
  [378, 'postgresql', 'LOG:  database system is ready to accept read-only connections'],
  [377, 'postgresql', 'LOG:  started streaming WAL from primary at 0/3000000 on timeline 1'],
  [300, 'postgresql', 'FATAL:  could not receive data from WAL stream: server closed the connection unexpectedly'],
  [299, 'postgresql', 'FATAL:  terminating walreceiver process due to administrator command'],
  [298, 'postgresql', 'LOG:  new timeline 3 forked off current database system timeline 2 before current recovery point 0/500C0B8'],
  [297, 'patroni', 'INFO: running pg_rewind from pg1'],
  [296, 'patroni', 'INFO: pg_rewind exit code=0'],
  [295, 'postgresql', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
  [290, 'postgresql', 'LOG:  database system is ready to accept read-only connections'],
  [289, 'postgresql', 'LOG:  started streaming WAL from primary at 0/6000000 on timeline 4'],
  [5, 'patroni', 'INFO: no action. I am (pg3), a secondary, and following a leader (pg1)'],
];

describe('the diagnoses', () => {
  it.each(DIAGNOSES.map((diagnosis) => [diagnosis.name, diagnosis] as const))(
    '%s finds nothing on a healthy cluster',
    (_name, diagnosis) => {
      expect(found(diagnosis)).toEqual([]);
      expect(found(diagnosis, { logs: { pg1: MADE, pg2: MADE, pg3: MADE } })).toEqual([]);
    },
  );

  it('have names of their own, and concern roles that there are', () => {
    const names = DIAGNOSES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const roles = CATALOG.map(({ name }) => name);
    for (const { role } of DIAGNOSES) if (role !== undefined) expect(roles).toContain(role);
  });
});
