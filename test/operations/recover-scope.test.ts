import { describe, expect, it } from 'vitest';
import recover from '../../src/operations/recover.js';
import type { RecoverOptions, RecoverRun } from '../../src/operations/shared/recover/seen.js';
import type { HostStep } from '../../src/plan/operation.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { FORMER_CONFIGS } from '../../src/resources/former-configs.js';
import { PATRONI_TAKEN } from '../../src/resources/patroni/taken.js';
import { STORE_LEFT, type ScopeCopy } from '../../src/resources/scope-copy.js';
import { START_TRIAL } from '../../src/resources/start-trial.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);
const ALL = ['pg1', 'pg2', 'pg3'];

const at = (timeline: number, lastRecord: string) => ({
  running: false,
  clusterState: 'shut down',
  position: { timeline, checkpoint: lastRecord, nextOid: 1, lastRecord },
  history: timeline === 1 ? undefined : { timeline, forks: ['1 0/3000000', '2 0/4000000'].slice(0, timeline - 1) },
});

/** All members are down, pg2 has the last commits on timeline 3, and etcd has its data on pg3 alone. */
const LOST: Made<RecoverOptions> = {
  leader: null,
  registered: null,
  own: {},
  stopped: ALL,
  disabled: ALL,
  data: { pg1: at(3, '0/5000028'), pg2: at(3, '0/5000400'), pg3: at(2, '0/3000028') },
};

const keysOf = (values: Record<string, unknown>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries({ initialize: '7', ...values }).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
const copy = (values: Record<string, unknown>, more: Partial<ScopeCopy> = {}): ScopeCopy => ({
  keys: keysOf(values),
  others: 0,
  at: '2026-11-29T05:00:00.000Z',
  revision: 100,
  path: '/var/lib/etcd/demo',
  ...more,
});
const snapshot = (values: Record<string, unknown>, time: string) => ({
  file: `/srv/${time}.tar.gz`,
  at: time,
  files: new Map([
    [
      'dcs/keys.json',
      Buffer.from(JSON.stringify({ keys: Object.fromEntries([...keysOf(values)].map(([name, value]) => [name, { value }])) })),
    ],
  ]),
});

/** Which copies there are, beside what is made up. */
interface Kept {
  left?: Record<string, readonly ScopeCopy[]>;
  /** Where etcd has data. */
  data?: readonly string[];
  /** Where it cannot work with it, and why. */
  damaged?: Record<string, string>;
  snapshots?: RecoverRun['kept']['snapshots'];
}
function runOf(made: Made<RecoverOptions>, { left = {}, data = ['pg3'], damaged = {}, snapshots }: Kept): RecoverRun {
  const more = ALL.map((name): [string, ReadonlyMap<string, unknown>] => [
    name,
    new Map<string, unknown>([
      [ETCD_MEMBER.id, { healthy: false, members: [], hasData: data.includes(name) }],
      [STORE_LEFT.id, { copies: left[name] ?? [], unread: [damaged[name] ?? []].flat(), ...(name in damaged ? { damaged: true } : {}) }],
      ...(made.more?.[name] ?? []),
    ]),
  ]);
  const run = madeUp(inventory, { done: ['snapshot'], ...made, more: Object.fromEntries(more) });
  return { ...run, kept: { ...run.kept, ...(snapshots === undefined ? {} : { snapshots }) } };
}
const stepsOf = (made: Made<RecoverOptions>, kept: Kept): HostStep[] => recover.remaining(runOf(made, kept)).steps as HostStep[];
const step = (id: string, made: Made<RecoverOptions>, kept: Kept): HostStep | undefined =>
  stepsOf(made, kept).find((each) => each.id === id);

const HISTORY = [
  [1, 0x3000000, 'no recovery target specified', '2026-11-28T10:00:00+00:00', 'pg3'],
  [2, 0x4000000, 'no recovery target specified', '2026-11-29T01:00:00+00:00', 'pg2'],
];

describe('a store that has lost its data', () => {
  it('is made from the data that a member of it still has', () => {
    const left = {
      pg3: [copy({ config: { ttl: 20 }, history: HISTORY, failsafe: { pg1: 'x' }, leader: 'pg2', 'members/pg1': {}, failover: {} })],
    };
    expect(stepsOf(LOST, { left }).map(({ id }) => id)).toEqual([
      'store-aside',
      'start-store',
      'identity',
      'start-first',
      'start-others',
      'follow',
    ]);
    expect(step('store-aside', LOST, { left })?.effect).toBe(
      'etcd begins anew; nothing is deleted; what Patroni kept in it is put back from etcd’s data on pg3, last written 2026-11-29 05:00 UTC',
    );
    expect(step('identity', LOST, { left })).toMatchObject({
      title:
        'put back into etcd: config, history and failsafe below /service/demo/, from etcd’s data on pg3, last written 2026-11-29 05:00 UTC; and /service/demo/initialize, which is the system identifier 7 of the data on pg1, pg2 and pg3',
      effect: 'Patroni takes the data that is there for the cluster’s own, and makes no new one',
    });
  });

  it('takes the member whose data was written more often, and of an older snapshot nothing', () => {
    const left = {
      pg1: [copy({ config: { ttl: 1 } }, { at: '2026-11-29T05:30:00.000Z', revision: 90 })],
      pg3: [copy({ config: { ttl: 2 } })],
    };
    const snapshots = [snapshot({ config: { ttl: 3 } }, '2026-11-29T04:00:00.000Z')];
    expect(step('identity', LOST, { left, snapshots })?.title).toContain(
      'config and history below /service/demo/, from etcd’s data on pg3',
    );
  });

  it('is made from the newest snapshot where no member has data, by what the data says of the time since', () => {
    const snapshots = [
      snapshot(
        { history: HISTORY.slice(0, 1), sync: { leader: 'pg3', sync_standby: 'pg1' }, status: { optime: 5 } },
        '2026-11-28T12:00:00.000Z',
      ),
      snapshot({ initialize: '8' }, '2026-11-28T13:00:00.000Z'),
    ];
    const identity = step('identity', LOST, { snapshots });
    expect(identity?.title).toContain(
      'history and status below /service/demo/, from the snapshot /srv/2026-11-28T12:00:00.000Z.tar.gz, taken 2026-11-28 12:00 UTC',
    );
    expect(identity?.effect).toBe(
      'Patroni takes the data that is there for the cluster’s own, and makes no new one; the snapshot /srv/2026-11-28T13:00:00.000Z.tar.gz, taken 2026-11-28 13:00 UTC, is of another cluster (system identifier 8); it does not know how timeline 2 was left, which pg2’s history says; its key sync names pg3 as the leader and not pg2, which has the last commits, and is left out',
    );
  });

  it('tells of commits that only the copy knows of', () => {
    const left = {
      pg3: [
        copy({ history: [...HISTORY, [3, 0x6000000, '']], status: { optime: 0x7000000 }, sync: { leader: 'pg2', sync_standby: null } }),
      ],
    };
    const identity = step('identity', LOST, { left });
    expect(identity?.title).toContain('history, status and sync below');
    expect(identity?.effect).toContain('it knows of timeline 4, of which no member has data: the commits on it are lost');
    expect(identity?.effect).toContain('the last leader was at 0/7000000, and pg2 ends at 0/5000400: the commits in between are lost');
  });

  it('begins with nothing but the data of the members where there is no copy, and says so', () => {
    expect(step('store-aside', LOST, { left: { pg3: [copy({}, { keys: new Map() })] } })?.effect).toContain(
      'no member of it has data with Patroni’s keys, and no snapshot beside the inventory has them either: who led when is lost',
    );
  });

  it('takes the dynamic configuration from a snapshot before the inventory’s, and what the furthest member used before that', () => {
    const snapshots = [snapshot({ config: { ttl: 3 } }, '2026-11-29T04:00:00.000Z')];
    expect(step('identity', LOST, { snapshots })?.title).toContain('config and history below /service/demo/, from the snapshot');
    const more = { pg2: new Map([[PATRONI_TAKEN.id, { ttl: 9 }]]) };
    expect(step('identity', { ...LOST, more }, { snapshots })?.title).toContain('config, from patroni.dynamic.json of pg2');
  });
});

describe('a store whose data is damaged', () => {
  const why = 'the database in /var/lib/etcd/demo cannot be read: it is no database of bbolt';
  const titles = (kept: Kept): string[] =>
    stepsOf(LOST, kept)
      .filter(({ id }) => id.endsWith('store') || id.startsWith('store'))
      .map(({ title, effect = '' }) => `${title} | ${effect}`);

  it('is started of the members that can work with theirs, where these are a quorum', () => {
    const left = { pg2: [copy({})], pg3: [copy({})] };
    expect(titles({ left, data: ALL, damaged: { pg1: why } })).toEqual(['start etcd on pg2 and pg3, and wait for its quorum | ']);
  });

  it('begins anew with the newest data that can be read, where they are fewer', () => {
    const left = { pg3: [copy({ config: { ttl: 20 } })] };
    expect(titles({ left, data: ALL, damaged: { pg1: why, pg2: why } })).toEqual([
      `put what etcd has on pg1, pg2 and pg3 aside: only pg3 can go on with its data, and a quorum takes 2 of them | on pg1 and pg2 its data is damaged; etcd begins anew; nothing is deleted; what Patroni kept in it is put back from etcd’s data on pg3, last written 2026-11-29 05:00 UTC; pg1: ${why}; pg2: ${why}`,
      'start a new etcd on pg1, pg2 and pg3, whose data is gone or damaged | ',
    ]);
  });

  it('begins anew with a snapshot, where no data can be read', () => {
    const snapshots = [snapshot({ config: { ttl: 3 } }, '2026-11-29T04:00:00.000Z')];
    const [aside] = titles({ snapshots, data: ALL, damaged: { pg1: why, pg2: why, pg3: why } });
    expect(aside).toContain(
      'aside: no member can go on with its data, and a quorum takes 2 of them | on pg1, pg2 and pg3 its data is damaged; ',
    );
    expect(aside).toContain(
      'put back from the snapshot /srv/2026-11-29T04:00:00.000Z.tar.gz, taken 2026-11-29 04:00 UTC; pg1: the database',
    );
  });
});

describe('a setting that no PostgreSQL starts with', () => {
  const trial: [string, unknown] = [
    START_TRIAL.id,
    {
      asked: true,
      objections: [{ message: 'no' }],
      settings: [{ name: 'shared_buffers', value: '500GB', file: 'postgresql.conf', says: 'no memory' }],
    },
  ];
  const buffers = (value: string | undefined) => ({ postgresql: { parameters: value === undefined ? {} : { shared_buffers: value } } });
  const DOWN: Made<RecoverOptions> = { ...LOST, registered: {}, config: buffers('500GB') };
  const words = (former: unknown[], kept: Kept = {}, used: unknown = undefined): string | undefined => {
    const states = new Map<string, unknown>([trial, [FORMER_CONFIGS.id, former], [PATRONI_TAKEN.id, used]]);
    const more = Object.fromEntries(ALL.map((name) => [name, states]));
    return step('correct', { ...DOWN, more }, kept)?.title.replace('correct the dynamic configuration in etcd: ', '');
  };
  const snapshots = [
    snapshot({ config: buffers('500GB') }, '2026-11-29T05:00:00.000Z'),
    snapshot({ config: buffers('96MB') }, '2026-11-29T04:00:00.000Z'),
  ];

  it.each([
    { title: 'what etcd had before', former: [buffers('128MB')], says: 'shared_buffers = 500GB becomes 128MB, as etcd had it before' },
    {
      title: 'what was before the first time, where it was put back in vain',
      former: [buffers('400GB'), buffers('500GB'), buffers('64MB')],
      says: 'shared_buffers = 500GB becomes 64MB, as etcd had it before',
    },
    {
      title: 'nothing, where it was not given',
      former: [buffers(undefined)],
      says: 'shared_buffers = 500GB is taken away, so PostgreSQL’s default counts (the inventory does not give it; as etcd had it before: it was not given)',
    },
    {
      title: 'what the newest snapshot without it has',
      former: [],
      kept: { snapshots },
      says: 'shared_buffers = 500GB becomes 96MB, as the snapshot /srv/2026-11-29T04:00:00.000Z.tar.gz, taken 2026-11-29 04:00 UTC, has it',
    },
    {
      title: 'what a member used last',
      former: [],
      used: buffers('48MB'),
      says: 'shared_buffers = 500GB becomes 48MB, as patroni.dynamic.json of pg2 has it',
    },
    {
      title: 'nothing, where nobody knows',
      former: [],
      says: 'shared_buffers = 500GB is taken away, so PostgreSQL’s default counts (the inventory does not give it; nobody knows what it was before)',
    },
  ])('becomes $title', ({ former, kept, used, says }) => expect(words(former, kept, used)).toBe(says));
});
