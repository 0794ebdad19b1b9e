import { describe, expect, it } from 'vitest';
import controlDamaged from '../../../src/diagnoses/postgresql/control-damaged.js';
import dataAccess from '../../../src/diagnoses/postgresql/data-access.js';
import noSpace from '../../../src/diagnoses/postgresql/no-space.js';
import sharedMemory from '../../../src/diagnoses/postgresql/shared-memory.js';
import startFailed from '../../../src/diagnoses/postgresql/start-failed.js';
import systemIdentifier from '../../../src/diagnoses/postgresql/system-identifier.js';
import { DATA_ACCESS, type DataAccess } from '../../../src/resources/data-access.js';
import { found, NOW, only, type Said } from '../examined.js';

const DOWN = { own: { pg3: { state: 'start failed' } }, data: { pg3: { running: false } } };
const MEMORY: readonly Said[] = [
  [200, 'postgresql', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
  [5, 'patroni', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
  [5, 'postgresql', 'HINT:  … To reduce the request size (currently 546963103744 bytes), reduce PostgreSQL’s shared memory usage'],
];

describe('the data directory', () => {
  const access = (differs: Partial<DataAccess>) => ({
    more: { pg3: { [DATA_ACCESS.id]: { mode: '700', owner: 'postgres', closed: [], misowned: [], asRoot: [], ...differs } } },
  });
  const said: readonly Said[] = [
    [9, 'postgresql', 'FATAL:  data directory "/var/lib/postgresql/17/main" has invalid permissions'],
    [9, 'postgresql', 'DETAIL:  Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).'],
  ];
  it('has permissions that PostgreSQL takes', () => {
    expect(found(dataAccess, access({}))).toEqual([]);
    expect(found(dataAccess, access({ mode: '750' }))).toEqual([]);
  });
  it('is open to others: seed 003, case 3, with the very lines', () => {
    const finding = only(dataAccess, { ...DOWN, ...access({ mode: '755' }), logs: { pg3: said } });
    expect(finding.level).toBe('broken');
    expect(finding.evidence.map(({ line }) => line)).toEqual([
      '/var/lib/postgresql/17/main: mode 755, owner postgres',
      ...said.map(([, , line]) => line),
    ]);
    expect(finding.mend).toContain('`chmod 0700 /var/lib/postgresql/17/main`');
  });
  it('belongs to root, or files of it do, or the way to it is closed', () => {
    expect(found(dataAccess, { ...DOWN, ...access({ owner: 'root' }) })).toEqual([
      'broken pg3: the data directory belongs to root, and PostgreSQL runs as postgres',
    ]);
    expect(found(dataAccess, access({ misowned: ['/var/lib/postgresql/17/main/base/1'], closed: ['/var/lib/postgresql'] }))).toEqual([
      'danger pg3: postgres may not enter /var/lib/postgresql, on the way to its data; files of the data directory do not belong to postgres',
    ]);
  });
});

describe('a control file that is damaged', () => {
  const logs = { pg3: [[9, 'postgresql', 'FATAL:  incorrect checksum in control file'] as Said] };
  const differs = { own: DOWN.own, data: { pg3: { running: false, control: 'damaged' as const } }, logs };
  it('has the member rebuilt beside a leader', () => {
    const finding = only(controlDamaged, differs);
    expect(finding).toMatchObject({ level: 'broken', host: 'pg3', since: NOW - 9000 });
    expect(finding.evidence.map(({ line }) => line)).toEqual(['the checksum of global/pg_control does not match', logs.pg3[0]?.[2]]);
    expect(finding.mend).toMatch(/^`pgprov rebuild \S+ --host pg3` copies the leader’s data/u);
  });
  it('may be that of the last commits where nobody leads', () => {
    expect(only(controlDamaged, { ...differs, leader: null }).mend).toMatch(/`pgprov recover \S+ --without pg3` goes on without/u);
  });
  it('is none that a server has in memory, and writes with its next checkpoint', () => {
    expect(found(controlDamaged, { data: { pg3: { control: 'damaged' } } })).toEqual([]);
  });
});

describe('memory', () => {
  it('is asked for that the host has not: told with how much', () => {
    const finding = only(sharedMemory, {
      ...DOWN,
      config: { postgresql: { parameters: { shared_buffers: '500GB' } } },
      logs: { pg3: MEMORY },
    });
    expect(finding).toMatchObject({ host: 'pg3', since: NOW - 200_000 });
    expect(finding.what).toContain('it asks for 509.4 GiB');
    expect(finding.mend).toContain('--remove postgresql.parameters.shared_buffers');
  });
  it('keeps every member down: one finding, which explains that nobody leads', () => {
    const down = { state: 'start failed' };
    const finding = only(sharedMemory, {
      leader: null,
      own: { pg1: down, pg2: down, pg3: down },
      data: { pg1: { running: false }, pg2: { running: false }, pg3: { running: false } },
      logs: { pg1: MEMORY, pg2: MEMORY, pg3: MEMORY },
    });
    expect(finding.host).toBeUndefined();
    expect(finding.explains).toContain('no-leader');
    expect(finding.mend).toMatch(/^`pgprov recover /u);
  });
  it('was had since', () => {
    expect(
      found(sharedMemory, {
        ...DOWN,
        logs: { pg3: [...MEMORY, [1, 'postgresql', 'LOG:  database system is ready to accept connections']] },
      }),
    ).toEqual([]);
  });
});

describe('a start that fails', () => {
  it.each([
    ['FATAL:  could not access file "nothere": No such file or directory', 'a library that is to be preloaded and is not there (nothere)'],
    ['LOG:  invalid value for parameter "wal_buffers": "x"', 'the parameter wal_buffers'],
    ['LOG:  unrecognized configuration parameter "sharedbuffers" in file "postgresql.conf" line 4', 'the parameter sharedbuffers'],
    ['FATAL:  recovery aborted because of insufficient parameter settings', 'parameters that are lower than the primary’s'],
    ['FATAL:  WAL archival cannot be enabled when "wal_level" is "minimal"', undefined],
  ])('%s', (line, cause) => {
    expect(only(startFailed, { ...DOWN, logs: { pg3: [[5, 'postgresql', line]] } }).what).toBe(
      `PostgreSQL does not start${cause === undefined ? '' : ` because of ${cause}`}`,
    );
  });
  it('is none where the server runs, or says what every start says', () => {
    const line = 'FATAL:  could not access file "nothere": No such file or directory';
    expect(found(startFailed, { logs: { pg3: [[5, 'postgresql', line]] } })).toEqual([]);
    expect(found(startFailed, { ...DOWN, logs: { pg3: [[5, 'postgresql', 'FATAL:  the database system is starting up']] } })).toEqual([]);
  });
});

describe('what a server said before it was stopped', () => {
  const ready = [600, 'postgresql', 'LOG:  database system is ready to accept read-only connections'] as const;
  const gone = [
    60,
    'postgresql',
    'FATAL:  could not send end-of-streaming message to primary: server closed the connection unexpectedly',
  ] as const;
  const stopped = [50, 'postgresql', 'LOG:  received fast shutdown request'] as const;
  const begun = [9, 'patroni', 'INFO: postmaster pid=583'] as const;
  const failed = [9, 'postgresql', 'FATAL:  could not access file "nothere": No such file or directory'] as const;
  it('is not why it does not start: nobody has tried', () => {
    expect(found(startFailed, { ...DOWN, logs: { pg3: [ready, gone] } })).toEqual([]);
    expect(found(startFailed, { ...DOWN, logs: { pg3: [ready, gone, stopped] } })).toEqual([]);
  });
  it('is left out once somebody has', () => {
    const finding = only(startFailed, { ...DOWN, logs: { pg3: [ready, gone, stopped, failed, begun] } });
    expect(finding).toMatchObject({ since: NOW - 9000 });
    expect(finding.what).toContain('nothere');
  });
});

it('finds a server that went down for want of space', () => {
  const said = 'PANIC:  could not write to file "pg_wal/xlogtemp.4711": No space left on device';
  expect(found(noSpace, { ...DOWN, logs: { pg3: [[500, 'postgresql', said]] } })).toEqual([
    'broken pg3: PostgreSQL had no space to write, and went down',
  ]);
  expect(found(noSpace, { logs: { pg3: [[500, 'postgresql', said]] } })).toEqual([]);
  expect(found(noSpace, { logs: { pg3: [[20, 'postgresql', said.replace('PANIC', 'ERROR')]] } })).toEqual([
    'broken pg3: PostgreSQL has just had no space to write',
  ]);
});

it('counts WAL that cannot be archived to the missing space only where archive_command found none either', () => {
  const explained = (words: string): readonly string[] | undefined =>
    only(noSpace, {
      logs: {
        pg3: [
          [20, 'postgresql', 'ERROR:  could not write to file "base/pgsql_tmp/pgsql_tmp376.0": No space left on device'],
          [10.1, 'patroni', words],
          [10, 'postgresql', 'LOG:  archive command failed with exit code 1'],
        ],
      },
    }).explains;
  expect(explained("cp: cannot create regular file '/nowhere/0A': No such file or directory")).not.toContain('archiver');
  expect(explained("cp: error writing '/archive/0A': No space left on device")).toContain('archiver');
  expect(explained("P00  ERROR: [042]: unable to write '/var/spool/pgbackrest/0A': [28] No space left on device")).toContain('archiver');
});

it('takes no space on a repository’s host for none of its own', () => {
  const said = "P00  ERROR: [104]: raised from remote-0 tls protocol on '10.0.0.4': unable to write '0A': [28] No space left on device";
  expect(found(noSpace, { logs: { pg3: [[20, 'patroni', said]] } })).toEqual([]);
});

it('looks for space where the file was that could not be written, and takes no other words for one', () => {
  const mend = (file: string): string =>
    only(noSpace, { logs: { pg3: [[20, 'postgresql', `ERROR:  could not extend file "${file}": No space left on device`]] } }).mend;
  expect(mend('pg_tblspc/16400/PG_17/5/16401')).toContain('main/pg_tblspc/16400/PG_17/5; du');
  expect(mend('pg_wal/xlogtemp.4711')).toContain('main/pg_wal; du');
  expect(mend('$(reboot)')).not.toContain('reboot');
});

it('finds a member with the data of another cluster', () => {
  const said = 'CRITICAL: system ID mismatch, node pg3 belongs to a different cluster: 7 != 8';
  const finding = only(systemIdentifier, { data: { pg3: { systemIdentifier: '8' } }, logs: { pg3: [[9, 'patroni', said]] } });
  expect(finding).toMatchObject({ level: 'broken', host: 'pg3' });
  expect(finding.evidence.map(({ line }) => line)).toEqual(['system identifier 8', 'initialize = "7"', said]);
  // Patroni ends at once, until systemd takes no more starts.
  expect(finding.mend).toContain('&& { systemctl reset-failed patroni; systemctl restart patroni; }`, as root on pg3');
  expect(found(systemIdentifier, { store: { initialize: '9' } })).toEqual([]);
  // The identifier of a damaged control file is no identity.
  expect(found(systemIdentifier, { data: { pg3: { systemIdentifier: '8', control: 'damaged' } } })).toEqual([]);
});
