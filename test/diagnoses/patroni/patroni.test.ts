import { describe, expect, it } from 'vitest';
import accounts from '../../../src/diagnoses/patroni/accounts.js';
import failsafe from '../../../src/diagnoses/patroni/failsafe.js';
import memberDown from '../../../src/diagnoses/patroni/member-down.js';
import patroniRoot from '../../../src/diagnoses/patroni/patroni-root.js';
import pendingRestart from '../../../src/diagnoses/patroni/pending-restart.js';
import postmasterOpts from '../../../src/diagnoses/patroni/postmaster-opts.js';
import storeProtocol from '../../../src/diagnoses/etcd/protocol.js';
import watchdog from '../../../src/diagnoses/patroni/watchdog.js';
import withoutPatroni from '../../../src/diagnoses/patroni/without-patroni.js';
import { ACCOUNT_PASSWORDS, type AccountState } from '../../../src/resources/account-passwords.js';
import { DATA_ACCESS } from '../../../src/resources/data-access.js';
import { REPLICATION_LOGIN } from '../../../src/resources/replication-login.js';
import { RUNNING } from '../../../src/resources/running.js';
import { serviceHandle } from '../../../src/resources/service.js';
import { found, NOW, only } from '../examined.js';

const WORKS = 'INFO: no action. I am (pg3), a secondary, and following a leader (pg1)';
const UNIT = serviceHandle('patroni').id;

describe('the store’s protocol', () => {
  const said = "ERROR: Failed to get list of machines from http://127.0.0.1:2379/v2: EtcdException('Bad response : 404 page not found\\n')";
  it('is the old one: seed 003, case 1', () => {
    const finding = only(storeProtocol, {
      own: { pg3: null },
      logs: {
        pg3: [
          [90, 'patroni', said],
          [5, 'patroni', said],
        ],
      },
    });
    expect(finding).toMatchObject({ level: 'broken', host: 'pg3', since: NOW - 90_000 });
    expect(finding.evidence.map(({ line }) => line)).toEqual([said]);
  });

  it('was mended where the member has worked since', () => {
    expect(
      found(storeProtocol, {
        logs: {
          pg3: [
            [90, 'patroni', said],
            [5, 'patroni', WORKS],
          ],
        },
      }),
    ).toEqual([]);
  });
});

describe('a member that is down', () => {
  it('is told with why, and since when', () => {
    const finding = only(memberDown, {
      own: { pg3: null },
      more: { pg3: { [UNIT]: { active: 'failed' } } },
      logs: {
        pg3: [
          [300, 'patroni', WORKS],
          [200, 'patroni', "PermissionError: [Errno 13] Permission denied: '/var/lib/postgresql/17/main'"],
        ],
      },
    });
    expect(finding).toMatchObject({
      level: 'danger',
      host: 'pg3',
      what: 'Patroni does not run (its unit is failed)',
      since: NOW - 300_000,
    });
    expect(finding.evidence.map(({ line }) => line)).toEqual([
      'it does not answer',
      "PermissionError: [Errno 13] Permission denied: '/var/lib/postgresql/17/main'",
    ]);
    expect(finding.mend).toMatch(/`pgprov start .* --host pg3` starts it/u);
  });

  it('is on its way up, or stuck there', () => {
    const starting = (ago: number) => ({
      own: { pg3: { state: 'starting' } },
      logs: { pg3: [[ago, 'postgresql', 'LOG:  starting PostgreSQL 17.5 (Debian 17.5-1) on x86_64-pc-linux-gnu']] as const },
    });
    expect(found(memberDown, starting(60))).toEqual(['danger pg3: it is on its way up (“starting”)']);
    expect(found(memberDown, starting(3600))).toEqual(['danger pg3: it has been “starting” for 60 min']);
  });

  it('does not come up where Patroni starts it again and again, though it calls it “starting” all the while', () => {
    const tries = (...ago: number[]) => ({
      own: { pg3: { state: 'starting' } },
      logs: { pg3: [[60, 'patroni', WORKS] as const, ...ago.map((each) => [each, 'patroni', 'INFO: postmaster pid=4711'] as const)] },
    });
    const down = { data: { pg3: { running: false } } };
    expect(found(memberDown, { ...tries(25, 15, 5), ...down })).toEqual([
      'danger pg3: PostgreSQL does not run: Patroni says “starting”, and has started it 3 times in vain',
    ]);
    expect(found(memberDown, { ...tries(5), ...down })).toEqual(['danger pg3: it is on its way up (“starting”)']);
    expect(found(memberDown, tries(25, 15, 5))).toEqual(['danger pg3: it is on its way up (“starting”)']);
    expect(found(memberDown, { ...tries(75, 65), ...down })).toEqual(['danger pg3: it is on its way up (“starting”)']);
  });
});

it('finds a server whose Patroni does not run', () => {
  const postmaster = {
    dataDirectory: '/d',
    realDirectory: '/d',
    port: 5432,
    unit: 'patroni.service',
    version: '17',
    systemIdentifier: '7',
    ours: false,
  };
  const states = { [UNIT]: { active: 'inactive' }, [RUNNING.id]: { wantedDirectory: '/d', postmasters: [postmaster] } };
  const seen = { own: { pg3: null }, more: { pg3: states } };
  expect(found(withoutPatroni, seen)).toEqual(['broken pg3: PostgreSQL runs without its Patroni, whose unit is inactive']);
  expect(only(withoutPatroni, { ...seen, config: { pause: true } }).level).toBe('danger');
  expect(found(withoutPatroni, { more: { pg3: { ...states, [UNIT]: { active: 'active' } } } })).toEqual([]);
});

it('finds Patroni run by root: seed 003, case 2', () => {
  const asRoot = [{ pid: 4564, command: '/usr/bin/python3 /usr/bin/patroni /etc/patroni/config.yml' }];
  const finding = only(patroniRoot, { own: { pg3: null }, more: { pg3: { [DATA_ACCESS.id]: { closed: [], misowned: [], asRoot } } } });
  expect(finding.mend).toContain(
    '`kill 4564; chown -R postgres: /var/lib/postgresql/17/main; systemctl reset-failed patroni; systemctl restart patroni`, as root on pg3',
  );
});

it('says that a missing postmaster.opts does no harm', () => {
  const states = { [DATA_ACCESS.id]: { closed: [], misowned: [], asRoot: [], withoutOptions: true } };
  const said = 'ERROR: Error when reading postmaster.opts';
  const finding = only(postmasterOpts, { more: { pg3: states }, logs: { pg3: [[60, 'patroni', said]] } });
  expect(finding.level).toBe('notice');
  expect(finding.evidence.at(-1)?.line).toBe(said);
});

it('finds a leader that goes on by failsafe mode, while it does', () => {
  const said = 'INFO: continue to run as a leader because failsafe mode is enabled and all members are accessible';
  expect(
    found(failsafe, {
      logs: {
        pg1: [
          [100, 'patroni', said],
          [8, 'patroni', said],
        ],
      },
    }),
  ).toEqual(['danger pg1: it leads by failsafe mode alone: Patroni cannot reach its store']);
  expect(
    found(failsafe, {
      logs: {
        pg1: [
          [20, 'patroni', said],
          [8, 'patroni', 'INFO: no action. I am (pg1), the leader with the lock'],
        ],
      },
    }),
  ).toEqual([]);
});

it('finds a watchdog that cannot be had', () => {
  const said = 'ERROR: Configuration requires watchdog, but watchdog could not be activated';
  expect(found(watchdog, { logs: { pg1: [[10, 'patroni', said]] } })).toEqual(['danger pg1: its watchdog does not work as it should']);
  const well = 'INFO: Linux watchdog device activated with 25 second timeout, timing slack 15 seconds';
  expect(
    found(watchdog, {
      logs: {
        pg1: [
          [10, 'patroni', said],
          [5, 'patroni', well],
        ],
      },
    }),
  ).toEqual([]);
});

it('does not miss a watchdog that nobody asked for when the ttl is changed', () => {
  const said = 'ERROR: Error while sending keepalive: Setting timeout is not supported on NullWatchdog';
  expect(found(watchdog, { logs: { pg1: [[10, 'patroni', said]] } })).toEqual([]);
});

describe('a restart that a setting waits for', () => {
  const own = {
    pg2: {
      pendingRestart: true,
      pendingReasons: { max_connections: { from: '100', to: '150' } },
      postmasterStart: '2026-11-20 00:00:00+00',
    },
  };
  const said = 'INFO: Changed max_connections from 100 to 150 (restart might be required)';
  it('may well wait for some hours', () => {
    expect(found(pendingRestart, { own, logs: { pg2: [[3600, 'patroni', said]] } })).toEqual([]);
  });
  it('is told after more than a day', () => {
    expect(found(pendingRestart, { own })).toEqual(['notice all: pg2 has waited for a restart for more than a day']);
    const finding = only(pendingRestart, { own, logs: { pg2: [[50 * 3600, 'patroni', said]] } });
    expect(finding.evidence.map(({ line }) => line)).toEqual(['max_connections: 100 -> 150', said]);
  });
});

describe('the cluster’s own accounts', () => {
  const well = (name: string): AccountState => ({ name, password: 'same', login: true, expired: false });
  const all = ['postgres', 'replicator', 'rewind_user'].map(well);
  const asked = (states: readonly AccountState[]) => ({ more: { pg1: { [ACCOUNT_PASSWORDS.id]: states } } });
  it('are well, or keep no verifier that could be compared', () => {
    expect(found(accounts, asked(all))).toEqual([]);
    expect(found(accounts, asked(all.map((each) => ({ ...each, password: 'unknown' }))))).toEqual([]);
  });
  it('were changed by hand', () => {
    const changed = all.map((each): AccountState => (each.name === 'replicator' ? { ...each, password: 'other' } : each));
    const said = '2026-11-29 03:20:19.873 UTC [713] FATAL:  password authentication failed for user "replicator"';
    const finding = only(accounts, { ...asked(changed), logs: { pg3: [[60, 'postgresql', said]] } });
    expect(finding.what).toBe(
      'the role replicator (replication) has another password than the one that members log in with, in patroni.yml and .pgpass',
    );
    expect(finding.evidence.at(-1)).toMatchObject({ host: 'pg3', line: said });
  });
  it('expired, may not log in, or are gone', () => {
    const worse = [
      { ...well('postgres'), expired: true },
      { ...well('replicator'), login: false },
    ];
    expect(found(accounts, asked(worse)).map((each) => each.slice(0, 70))).toEqual([
      'danger all: the role postgres (superuser) has a password that is past ',
      'danger all: the role replicator (replication) may not log in (NOLOGIN)',
      'danger all: the role rewind_user (rewind) does not exist',
    ]);
  });
  it('have another password in the file of one member', () => {
    const error =
      'psql: error: connection to server at "10.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "replicator"';
    const login = { [REPLICATION_LOGIN.id]: [{ address: '10.0.0.1', systemIdentifier: undefined, error }] };
    expect(found(accounts, { more: { ...asked(all).more, pg3: login } })).toEqual([
      'danger pg3: its .pgpass has another password for the replication role than the database',
    ]);
  });
});
