import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { statusOf, statusSeen, withDrift } from '../../src/cli/status-of.js';
import { debian13 } from '../../src/platform/debian.js';
import { View } from '../../src/plan/view.js';
import { Secret } from '../../src/lib/secret.js';
import { PgprovError } from '../../src/lib/errors.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { DCS } from '../../src/resources/dcs.js';
import { ETCD_DATABASE } from '../../src/resources/etcd/database.js';
import { SERVER_REPLICATION } from '../../src/resources/server-replication.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import { REPLICATION_LOGIN } from '../../src/resources/replication-login.js';
import { problemsOf } from '../../src/report/status.js';
import { renderStatus } from '../../src/report/status-text.js';
import type { ServiceState } from '../../src/resources/service.js';
import { inventoryOf } from '../support/inventory.js';

const inventory = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n');
const unit = (state: Partial<ServiceState>): ServiceState => ({
  loaded: true,
  enabled: true,
  active: 'active',
  applied: undefined,
  ...state,
});

/** What is told of a host on which neither service answers, by the states of its units. */
function problems(etcd: Partial<ServiceState>, patroni: Partial<ServiceState>, isHeldUp = false): string[] {
  const states = new Map<string, unknown>([
    [HOST_FACTS.id, { os: 'debian', version: '13', systemd: true }],
    [ETCD_MEMBER.id, { hasData: true, healthy: false, members: [] }],
    [PATRONI_MEMBER.id, { answers: false }],
    [`service:${debian13.etcd.unit}`, unit(etcd)],
    [`service:${debian13.patroni.unit}`, unit(patroni)],
  ]);
  return problemsOf(statusOf(inventory, CATALOG, new View(inventory, new Map([['pg1', states]])), [], { isHeldUp })).filter((line) =>
    line.startsWith('pg1: '),
  );
}

describe('the status of a host whose services do not answer', () => {
  it('names stopped or masked units with the command, instead of settings that no process uses', () => {
    const inForce = {
      running: [{ name: 'ETCD_NAME', wanted: 'pg1', seen: undefined }],
      next: [],
      dropIns: [],
    } as unknown as ServiceState['inForce'];
    expect(
      problems({ active: 'inactive', masked: 'for good', ...(inForce === undefined ? {} : { inForce }) }, { active: 'failed' }),
    ).toEqual([
      `pg1: Patroni does not answer; the unit patroni is failed; \`pgprov start ${inventory.file}\` starts the member with the last commits first`,
      'pg1: etcd: the unit etcd is masked and stopped; run `systemctl unmask etcd && systemctl start etcd` on the host',
    ]);
  });

  it('does not repeat it as a failed login', () => {
    const login = [{ address: '192.0.2.1', error: 'Connection refused' }];
    const told = (answers: boolean): readonly string[] => {
      const member = answers ? { answers, state: 'running', role: 'leader', cluster: [], replication: [] } : { answers };
      const states = new Map<string, unknown>([
        [PATRONI_MEMBER.id, member],
        [REPLICATION_LOGIN.id, login],
      ]);
      return statusOf(inventory, CATALOG, new View(inventory, new Map([['pg1', states]])), []).problems;
    };
    expect(told(false)).toEqual([]);
    expect(told(true)).toEqual(['pg1: the replication role cannot log in to 192.0.2.1: Connection refused']);
  });

  it('has nothing started where an operation that is not finished holds members down', () => {
    expect(problems({ active: 'inactive' }, { active: 'inactive' }, true)).toEqual([
      'pg1: Patroni does not answer; the unit patroni is stopped',
      'pg1: etcd: the unit etcd is stopped',
    ]);
  });

  it('leaves out units that run', () => {
    expect(problems({}, {})).toEqual(['pg1: Patroni does not answer', 'pg1: etcd is not healthy']);
  });

  it('has no problem with a restart that is being waited for', () => {
    const status = statusOf(inventory, CATALOG, undefined, []);
    const drift = { host: 'pg1', what: 'PostgreSQL needs a restart', mend: 'restart it' };
    expect(withDrift(status, { drift: [{ ...drift, waits: true }], changes: [] }).problems).toEqual([]);
    expect(withDrift(status, { drift: [drift], changes: [] }).problems).toEqual(['pg1: PostgreSQL needs a restart\nrestart it']);
    expect(withDrift(status, { drift: [{ ...drift, allowed: true }], changes: [] })).toMatchObject({
      problems: [],
      remarks: ['pg1: PostgreSQL needs a restart\nrestart it'],
    });
  });
});

describe('the status of a standby that does not stream', () => {
  it('shows what WAL only that standby has, and what to do about it', async () => {
    const two = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: 192.0.2.2\n');
    const told = (replayed: number): string | undefined => {
      const cluster = [
        { name: 'pg1', role: 'leader', state: 'running' },
        { name: 'pg2', role: 'replica', state: 'streaming' },
      ];
      const both = { answers: true, state: 'running', timeline: 1, replication: [], cluster };
      const seen = new Map([
        ['pg1', new Map<string, unknown>([[PATRONI_MEMBER.id, { ...both, role: 'leader', wal: { location: 0x5000, paused: false } }]])],
        ['pg2', new Map<string, unknown>([[PATRONI_MEMBER.id, { ...both, role: 'replica', wal: { replayed, paused: false } }]])],
      ]);
      return statusOf(two, CATALOG, new View(two, seen), []).members.find(({ name }) => name === 'pg2')?.problem;
    };
    expect(told(0x50a0)).toBe(
      'has WAL up to 0/50A0 that pg1 never wrote, which leads on the same timeline and is at 0/5000, so it cannot stream; ' +
        `\`pgprov rebuild ${two.file} --host pg2 --give-up-commits\` copies the leader’s data to it and puts its own aside`,
    );
    expect(told(0x5000)).toBe('does not stream from the leader');
  });
});

describe('the status of a standby that streams', () => {
  const told = async (listed: number, received: number, replayed: number): Promise<string | undefined> => {
    const two = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: 192.0.2.2\n');
    const cluster = [
      { name: 'pg1', role: 'leader', state: 'running' },
      { name: 'pg2', role: 'replica', state: 'streaming', lag: listed },
    ];
    const both = { answers: true, state: 'running', timeline: 1, cluster };
    const replication = [{ application: 'pg2', state: 'streaming', syncState: 'async' }];
    const leader = { ...both, role: 'leader', replication, wal: { location: 0x5000000, paused: false } };
    const standby = { ...both, role: 'replica', replication: [], wal: { received, replayed, paused: false } };
    const seen = new Map([
      ['pg1', new Map<string, unknown>([[PATRONI_MEMBER.id, leader]])],
      ['pg2', new Map<string, unknown>([[PATRONI_MEMBER.id, standby]])],
    ]);
    return statusOf(two, CATALOG, new View(two, seen), []).members.find(({ name }) => name === 'pg2')?.problem;
  };

  it.each([
    ['was asked before the leader began another WAL file', 0, 0x4000148, 0x4000148],
    ['has all, and was written down before that', 0xfffeb8, 0x5000000, 0x5000000],
    ['has all', 0, 0x5000000, 0x5000000],
  ])('has no problem where it %s', async (_where, ...positions) => {
    expect(await told(...positions)).toBeUndefined();
  });

  it('says that it is late in what it receives, or in what it replays', async () => {
    expect(await told(0xfffeb8, 0x4000148, 0x4000148)).toBe(
      'has received 16 MiB less than the leader wrote, more than maximum_lag_on_failover (1 MiB): it cannot take over',
    );
    expect(await told(0, 0x5000000, 0x4000148)).toBe('has 16 MiB left to replay, more than maximum_lag_on_failover (1 MiB)');
  });
});

describe('the status before there is a cluster', () => {
  const bare = (states: Record<string, unknown> = {}): readonly string[] => {
    const seen = new Map<string, unknown>([
      [HOST_FACTS.id, { os: 'debian', version: '13', systemd: true }],
      [DATA_DIRECTORY.id, { kind: 'absent' }],
      [DCS.id, { reachable: false, why: 'x' }],
      [ETCD_MEMBER.id, { hasData: false, healthy: false, members: [] }],
      [PATRONI_MEMBER.id, { answers: false }],
      [`service:${debian13.patroni.unit}`, unit({ active: 'inactive', loaded: false, enabled: false })],
      ...Object.entries(states),
    ]);
    return problemsOf(statusOf(inventory, CATALOG, new View(inventory, new Map([['pg1', seen]])), []));
  };

  it('says that there is none, and which command makes one', () => {
    expect(bare()).toEqual([`there is no cluster yet: \`pgprov apply ${inventory.file}\` makes it`]);
    expect(
      bare({ [ETCD_MEMBER.id]: { hasData: true, healthy: true, members: [] }, [DCS.id]: { reachable: true, members: [] } }),
    ).toHaveLength(1);
  });

  it.each([
    { title: 'etcd may know one', states: { [ETCD_MEMBER.id]: { hasData: true, healthy: false, members: [] } } },
    { title: 'etcd knows one', states: { [DCS.id]: { reachable: true, initialize: '7', members: [] } } },
    { title: 'there is data', states: { [DATA_DIRECTORY.id]: { kind: 'cluster', control: 'valid' } } },
    { title: 'Patroni runs', states: { [`service:${debian13.patroni.unit}`]: unit({ active: 'active' }) } },
  ])('does not say so where $title', ({ states }) => {
    const found = bare(states);
    expect(found.length).toBeGreaterThan(1);
    expect(found.join()).not.toContain('no cluster yet');
  });

  it('does not say so when a host could not be asked', () => {
    const gone = new PgprovError({ kind: 'ssh/timeout', message: 'no answer', host: 'pg1' });
    expect(problemsOf(statusOf(inventory, CATALOG, undefined, [gone])).join()).not.toContain('no cluster yet');
  });
});

describe('the status of hosts that could not be asked', async () => {
  const three = await inventoryOf('cluster: demo\nhosts:\n  pg1: 192.0.2.1\n  pg2: 192.0.2.2\n  pg3: 192.0.2.3\n');
  const gone = (host: string): PgprovError => new PgprovError({ kind: 'ssh/refused', message: `cannot connect to ${host}`, host });
  const text = (status: ReturnType<typeof statusOf>): string => renderStatus(status, { color: false });

  it('says once of each that it was not seen, and nothing of what is there', () => {
    const status = statusOf(three, CATALOG, undefined, ['pg1', 'pg2', 'pg3'].map(gone));
    expect(text(status)).toBe(`cluster demo
? not seen: no host could be asked
  - cannot connect to pg1
  - cannot connect to pg2
  - cannot connect to pg3`);
    expect(status).toMatchObject({ leaderUnknown: true, unseen: [{ host: 'pg1' }, { host: 'pg2' }, { host: 'pg3' }] });
    expect(status.members).toContainEqual({ name: 'pg1', address: '192.0.2.1', unseen: true, pendingRestart: false });
    expect(problemsOf(status)).toHaveLength(3);
  });

  it('is neither healthy nor ailing where the others are well, and may have the leader', () => {
    const members = (['pg1', 'pg2'] as const).map((name) => ({ name, role: 'replica', state: 'running' }));
    const seen = new Map<string, unknown>([
      [PATRONI_MEMBER.id, { answers: true, state: 'running', role: 'replica', cluster: members, replication: [], version: '4.0' }],
      [ETCD_MEMBER.id, { hasData: true, healthy: true, members: [1, 2, 3] }],
    ]);
    const led = new Map<string, unknown>([...seen, [DCS.id, { reachable: true, leader: 'pg1', members: [] }]]);
    const well = statusOf(
      three,
      CATALOG,
      new View(
        three,
        new Map([
          ['pg1', led],
          ['pg2', seen],
        ]),
      ),
      [gone('pg3')],
    );
    expect(text(well)).toMatch(/^cluster demo {2}scope demo, leader pg1$/mu);
    expect(text(well)).toMatch(/^pg3 .* not seen$/mu);
    expect(text(well)).toMatch(/^\? pg3 {2}not seen$/mu);
    expect(text(well)).toMatch(/\? not known to be healthy: 1 host could not be asked\n {2}- cannot connect to pg3$/u);
    const unled = statusOf(
      three,
      CATALOG,
      new View(
        three,
        new Map([
          ['pg1', seen],
          ['pg2', seen],
        ]),
      ),
      [gone('pg3')],
    );
    expect(text(unled)).toMatch(/^cluster demo {2}scope demo, leader not seen$/mu);
    expect(problemsOf(unled)).not.toContain('no member holds the leader lock');
  });
});

describe('the status of a server that is starting', () => {
  it('says to wait, and how far recovery is', () => {
    const states = new Map<string, unknown>([
      [DATA_DIRECTORY.id, { kind: 'cluster', running: false, alone: true, replays: '000000030000000000000002', control: 'valid' }],
      [PATRONI_MEMBER.id, { answers: true, state: 'crashed', role: 'replica', cluster: [], replication: [] }],
    ]);
    expect(statusOf(inventory, CATALOG, new View(inventory, new Map([['pg1', states]])), []).members[0]?.problem).toContain(
      'PostgreSQL recovers from a crash in single-user mode, replaying WAL file 000000030000000000000002: wait until it is up',
    );
  });
});

describe('the replication status', () => {
  const replication = { standby: true, behindSeconds: 4, sends: [], slots: [], usualWalBytes: 1 };
  const member = {
    answers: true,
    state: 'running',
    role: 'replica',
    pendingRestart: true,
    replication: [],
    cluster: [{ name: 'pg1', role: 'replica', state: 'running', pendingRestart: true, pendingReasons: { a: { from: '1', to: '2' } } }],
  };
  const seen = (more: Record<string, unknown>): ReturnType<typeof statusOf> =>
    statusOf(inventory, CATALOG, new View(inventory, new Map([['pg1', new Map(Object.entries(more))]])), []);

  it('has what each server reports, and for a standby the lag in time', () => {
    const found = seen({ [PATRONI_MEMBER.id]: member, [SERVER_REPLICATION.id]: replication });
    expect(found.replication).toEqual([{ host: 'pg1', ...replication }]);
    expect(found.members[0]).toMatchObject({ replayLagSeconds: 4, pendingReasons: { a: { from: '1', to: '2' } } });
  });

  it('is absent when it was not asked for, or no server answers', () => {
    expect(seen({ [PATRONI_MEMBER.id]: member })).not.toHaveProperty('replication');
    expect(seen({ [SERVER_REPLICATION.id]: undefined })).not.toHaveProperty('replication');
  });

  it('has the leader’s last change and the keys of the DCS, which a run does not keep', () => {
    const lastPromotion = { timeline: 2, reason: 'x', lsn: '0/1' };
    const keys = [{ key: 'leader', bytes: 3, value: 'pg1' }];
    const states = new Map<string, unknown>([[DCS.id, { reachable: true, members: [], lastPromotion, keys }]]);
    expect(seen(Object.fromEntries(states))).toMatchObject({ lastPromotion, keys });
    const kept = statusSeen(inventory, CATALOG, new View(inventory, new Map([['pg1', states]])));
    expect(kept).toMatchObject({ lastPromotion });
    expect(kept).not.toHaveProperty('keys');
  });

  it('masks the passwords that pgprov knows in what the DCS stores', () => {
    new Secret('hush-hush-password').reveal();
    const keys = [{ key: 'config', bytes: 24, value: '{"a":"hush-hush-password"}' }];
    expect(seen({ [DCS.id]: { reachable: true, members: [], keys } }).keys?.[0]?.value).toBe('{"a":"***"}');
  });

  it('has what each etcd member reports about itself, with its own alarms only', () => {
    const database = {
      version: '3.5.16',
      id: '7',
      leader: true,
      bytes: 10,
      usedBytes: 5,
      alarms: [
        { member: '7', alarm: 'NOSPACE' },
        { member: '8', alarm: 'CORRUPT' },
      ],
    };
    const states = { [ETCD_MEMBER.id]: { hasData: true, healthy: true, members: [] }, [ETCD_DATABASE.id]: database };
    expect(seen(states).etcd[0]).toMatchObject({
      version: '3.5.16',
      leader: true,
      databaseBytes: 10,
      databaseUsedBytes: 5,
      alarms: ['NOSPACE'],
    });
  });
});
