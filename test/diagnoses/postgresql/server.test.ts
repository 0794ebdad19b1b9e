import { describe, expect, it } from 'vitest';
import accessRefused from '../../../src/diagnoses/postgresql/access-refused.js';
import archiver from '../../../src/diagnoses/postgresql/archiver.js';
import brokenFiles from '../../../src/diagnoses/postgresql/broken-files.js';
import checksums from '../../../src/diagnoses/postgresql/checksums.js';
import connectionsSpent from '../../../src/diagnoses/postgresql/connections-spent.js';
import collations from '../../../src/diagnoses/postgresql/collations.js';
import oldTransactions from '../../../src/diagnoses/postgresql/old-transactions.js';
import wraparound from '../../../src/diagnoses/postgresql/wraparound.js';
import { SERVER_HEALTH, type ServerHealth } from '../../../src/resources/server-health.js';
import { SERVER_SETTINGS } from '../../../src/resources/settings-in-force.js';
import { cutOffMember, found, NOW, only } from '../examined.js';

const WELL: ServerHealth = {
  standby: false,
  archiver: { on: true, archivedAgo: 30, failures: 0 },
  checksumFailures: [],
  transactions: [],
  prepared: [],
  oldest: { database: 'postgres', transactions: 1000 },
  collations: [],
  clients: [],
  ahead: [],
};
const health = (differs: Partial<ServerHealth>) => ({ more: { pg1: { [SERVER_HEALTH.id]: { ...WELL, ...differs } } } });

it('finds nothing in a server that is well', () => {
  for (const diagnosis of [archiver, checksums, collations, connectionsSpent, oldTransactions, wraparound])
    expect(found(diagnosis, health({}))).toEqual([]);
});

describe('pg_hba.conf', () => {
  const refused = (from: string, user: string, rest: string): string =>
    `FATAL:  no pg_hba.conf entry for ${rest}host "${from}", user "${user}"`;
  it('refuses a client, told once with how often', () => {
    const line = `${refused('10.9.9.9', 'app', '')}, database "appdb", no encryption`;
    const finding = only(accessRefused, {
      logs: {
        pg1: [
          [60, 'postgresql', line],
          [10, 'postgresql', line],
        ],
      },
    });
    expect(finding).toMatchObject({ level: 'notice', host: 'pg1', since: NOW - 60_000 });
    expect(finding.what).toBe('pg_hba.conf refuses app from 10.9.9.9 (database appdb, no encryption), 2 times in the last minutes');
  });
  it('refuses a standby that is cut off', () => {
    const line = `${refused('10.0.0.3', 'replicator', 'replication connection from ')}, SSL encryption`;
    expect(found(accessRefused, { ...cutOffMember('pg3'), logs: { pg1: [[10, 'postgresql', line]] } })).toEqual([
      'danger pg1: pg_hba.conf refuses replicator from 10.0.0.3 (replication, SSL encryption), once in the last minutes',
    ]);
    expect(only(accessRefused, { logs: { pg1: [[10, 'postgresql', line]] } }).level).toBe('notice');
  });
  it('is told by the server that refuses, not by the standby that quotes it', () => {
    const rejects = 'FATAL:  pg_hba.conf rejects replication connection for host "10.0.0.3", user "replicator", no encryption';
    const quoted = `FATAL:  could not connect to the primary server: connection to server at "10.0.0.1", port 5432 failed: ${rejects}`;
    const logs = { pg1: [[8, 'postgresql', rejects]], pg3: [[8, 'postgresql', quoted]] } as const;
    const finding = only(accessRefused, { ...cutOffMember('pg3'), logs });
    expect(finding).toMatchObject({ level: 'danger', host: 'pg1', affects: ['pg3'] });
    expect(finding.mend).toMatch(/^`pgprov apply .*` writes pg_hba\.conf as the inventory has it/u);
    // One that does not try any more is down for another reason.
    const before = { pg1: [[180, 'postgresql', rejects]] } as const;
    expect(only(accessRefused, { ...cutOffMember('pg3'), logs: before }).level).toBe('notice');
  });
  it('rejects by a line, and long ago no more', () => {
    const line = 'FATAL:  pg_hba.conf rejects connection for host "10.9.9.9", user "app", database "appdb", SSL encryption';
    expect(only(accessRefused, { logs: { pg1: [[10, 'postgresql', line]] } }).what).toContain(
      'refuses app from 10.9.9.9 (database appdb, SSL encryption)',
    );
    expect(found(accessRefused, { logs: { pg1: [[900, 'postgresql', line]] } })).toEqual([]);
  });
});

describe('connections', () => {
  const FULL = 'FATAL:  sorry, too many clients already';
  it('are refused where all are taken, with who has them', () => {
    const clients = [{ user: 'app', database: 'shop', application: 'worker', state: 'idle in transaction', count: 97 }];
    const finding = only(connectionsSpent, {
      ...health({ clients }),
      logs: {
        pg1: [
          [70, 'postgresql', FULL],
          [10, 'postgresql', 'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute'],
        ],
      },
    });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg1', since: NOW - 70_000 });
    expect(finding.what).toBe('max_connections is reached, and PostgreSQL refuses connections, 2 times in the last minutes');
    expect(finding.evidence.at(-1)?.line).toBe('97 of app in shop (worker): idle in transaction');
    expect(finding.mend).toMatch(/^`pgprov psql .* --host pg1 -- -c 'SELECT usename, .*'` shows who has them/u);
  });
  it('are refused no more, or only by a limit that somebody set', () => {
    expect(only(connectionsSpent, { logs: { pg1: [[200, 'postgresql', FULL]] } }).level).toBe('notice');
    expect(found(connectionsSpent, { logs: { pg1: [[400, 'postgresql', FULL]] } })).toEqual([]);
    expect(found(connectionsSpent, { logs: { pg1: [[5, 'postgresql', 'FATAL:  too many connections for role "app"']] } })).toEqual([
      'danger pg1: the limit of a role is reached, and PostgreSQL refuses connections, once in the last minutes',
    ]);
  });
  it('are refused to standbys, which quote it', () => {
    const said = 'FATAL:  number of requested standby connections exceeds max_wal_senders (currently 2)';
    const quoted = `FATAL:  could not connect to the primary server: connection to server at "10.0.0.1", port 5432 failed: ${said}`;
    const finding = only(connectionsSpent, {
      ...cutOffMember('pg3'),
      logs: { pg1: [[5, 'postgresql', said]], pg3: [[5, 'postgresql', quoted]] },
    });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg1', affects: ['pg3'], follows: 'standbys and backups cannot connect' });
  });
});

describe('files with errors', () => {
  const settings = { answers: true, settings: [], altered: [], fileErrors: [], accessErrors: [], idleLines: [] };
  const seen = (differs: object) => ({ more: { pg1: { [SERVER_SETTINGS.id]: { ...settings, ...differs } } } });
  it('of Patroni are written anew by a reload', () => {
    const finding = only(brokenFiles, seen({ accessErrors: [{ line: 23, message: 'end-of-line before authentication method' }] }));
    expect(finding.evidence[0]?.line).toBe('pg_hba.conf line 23: end-of-line before authentication method');
    expect(finding.mend).toMatch(/^`systemctl reload patroni`, as root on pg1/u);
  });
  it('of ALTER SYSTEM are taken back by name', () => {
    const fileErrors = [{ file: 'postgresql.auto.conf', line: 3, name: 'work_mem', message: 'setting could not be applied' }];
    expect(only(brokenFiles, seen({ fileErrors })).mend).toContain("-c 'ALTER SYSTEM RESET work_mem'");
  });
});

describe('archiving', () => {
  const said = 'LOG:  archive command failed with exit code 1';
  it('fails since the last success', () => {
    const finding = only(archiver, {
      ...health({ archiver: { on: true, archivedAgo: 4000, failedAgo: 20, failedWal: '00000003000000000000000A', failures: 12 } }),
      logs: {
        pg1: [
          [3600, 'postgresql', said],
          [20, 'postgresql', said],
        ],
      },
    });
    expect(finding).toMatchObject({ level: 'danger', since: NOW - 3_600_000 });
    expect(finding.what).toBe('WAL cannot be archived: 00000003000000000000000A failed, and nothing has been archived since');
  });
  it('is told in the words of the command', () => {
    const finding = only(archiver, {
      ...health({ archiver: { on: true, failedAgo: 2, failedWal: '00000002000000000000000A', failures: 12 } }),
      logs: {
        pg1: [
          [2.1, 'patroni', "cp: cannot create regular file '/nowhere/00000002000000000000000A': No such file or directory"],
          [2, 'postgresql', '2026-11-29 05:53:41.667 UTC [3848] LOG:  archive command failed with exit code 1'],
          [2, 'postgresql', '2026-11-29 05:53:41.667 UTC [3848] DETAIL:  The failed archive command was: cp pg_wal/0A /nowhere/0A'],
          [
            2,
            'postgresql',
            '2026-11-29 05:53:41.667 UTC [3848] WARNING:  archiving write-ahead log file "0A" failed too many times, will try again later',
          ],
        ],
      },
    });
    expect(finding.evidence.map(({ line }) => line.replace(/^[-\d]+ [.:\d]+ UTC \[\d+\] /u, ''))).toEqual([
      'last_failed_wal 00000002000000000000000A, 2 s ago; failed_count 12',
      "cp: cannot create regular file '/nowhere/00000002000000000000000A': No such file or directory",
      'LOG:  archive command failed with exit code 1',
      'DETAIL:  The failed archive command was: cp pg_wal/0A /nowhere/0A',
    ]);
  });
  it('failed once and works', () => {
    expect(found(archiver, health({ archiver: { on: true, archivedAgo: 10, failedAgo: 20, failures: 1 } }))).toEqual([]);
  });
});

it('finds what holds back vacuum', () => {
  const transactions = [{ pid: 815, user: 'app', database: 'appdb', application: 'report', state: 'idle in transaction', age: 7300 }];
  expect(found(oldTransactions, health({ transactions }))).toEqual(['notice pg1: a transaction has been open for 2 h']);
  expect(only(oldTransactions, health({ transactions })).mend).toContain("-c 'SELECT pg_terminate_backend(815)'");
  const prepared = [{ gid: "it's", database: 'appdb', age: 200_000 }];
  expect(only(oldTransactions, health({ prepared }))).toMatchObject({
    level: 'danger',
    what: 'a prepared transaction has waited for its end for 2 days',
  });
});

it('finds a database that runs out of transaction numbers', () => {
  expect(found(wraparound, health({ oldest: { database: 'appdb', transactions: 1_500_000_000 } }))).toEqual([
    'danger pg1: the database appdb has used 70% of the transaction numbers that it has until it is vacuumed',
  ]);
  expect(only(wraparound, health({ oldest: { database: 'appdb', transactions: 2 ** 31 - 1_000_000 } })).level).toBe('broken');
});

it('finds damaged pages, and checksums that are off', () => {
  const failed = health({ checksumFailures: [{ database: 'appdb', failures: 3, ago: 60 }] });
  const said = '2026-11-29 05:50:45.586 UTC [1451] WARNING:  page verification failed, calculated checksum 12127 but expected 24983';
  const finding = only(checksums, { ...failed, logs: { pg1: [[600, 'postgresql', said]] } });
  expect(finding).toMatchObject({ level: 'broken', host: 'pg1', since: NOW - 600_000 });
  expect(finding.evidence.map(({ line }) => line)).toEqual(['appdb: checksum_failures 3', said]);
  expect(found(checksums, { data: { pg2: { checksums: 0 } } })).toEqual(['notice all: data checksums are off']);
});

it('finds a collation of another version', () => {
  const finding = only(collations, health({ collations: [{ database: 'appdb', recorded: '2.36', actual: '2.41' }] }));
  expect(finding.what).toBe('appdb: made with another version of the collation than the system has now');
  expect(finding.mend).toContain(`-d appdb -c 'REINDEX DATABASE "appdb"' -c 'ALTER DATABASE "appdb" REFRESH COLLATION VERSION'`);
});

it('tells pgBackRest’s own words for why WAL cannot be archived', () => {
  const finding = only(archiver, {
    ...health({ archiver: { on: true, archivedAgo: 4000, failedAgo: 20, failedWal: '00000003000000000000000A', failures: 12 } }),
    logs: {
      pg1: [
        [
          22,
          'patroni',
          '2026-11-29 06:53:10.784 P00  ERROR: [104]: raised from local-1 protocol: archive-push command encountered error(s):',
        ],
        [
          22,
          'patroni',
          "                                    repo1: [FileWriteError] raised from remote-1 tls protocol on '10.0.0.4': [28] No space left on device",
        ],
        [20, 'patroni', '2026-11-29 06:53:10.786 UTC [5452] LOG:  archive command failed with exit code 104'],
      ],
    },
  });
  expect(finding.evidence.at(-1)).toMatchObject({
    line: "repo1: [FileWriteError] raised from remote-1 tls protocol on '10.0.0.4': [28] No space left on device",
  });
});
