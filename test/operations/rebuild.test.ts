import { describe, expect, it } from 'vitest';
import rebuild from '../../src/operations/rebuild.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { DATA_COPY, type DataCopy } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import type { ClusterMember, PatroniMemberState } from '../../src/resources/patroni/member.js';
import { DEAD_SLOTS } from '../../src/resources/dead-slot.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';
import { runSeen } from './run-seen.js';

const inventory = await inventoryOf(THREE);
type Answer = Extract<PatroniMemberState, { answers: true }>;
type Options = NonNullable<Parameters<NonNullable<typeof rebuild.choose>>[0]>['options'];

interface Seen {
  leader?: string;
  listed?: Record<string, Partial<ClusterMember> | null>;
  own?: Record<string, Partial<Answer> | null>;
  data?: Record<string, Partial<ClusterData> | null>;
  copy?: Record<string, Partial<DataCopy>>;
  config?: Record<string, unknown>;
  /** Hosts that do not answer. */
  off?: string[];
  /** Hosts with files in the data directory that are no database. */
  files?: string[];
  slots?: string[];
  /** Members on which the slot of pg3 was invalidated. */
  dead?: string[];
}

const GIB = 1_073_741_824;
const PATH = '/var/lib/postgresql/17/main';

/** A cluster on timeline 4 in which pg1 leads and the others stream, but for what is given. */
function seen(
  {
    leader = 'pg1',
    listed = {},
    own = {},
    data = {},
    copy = {},
    config = {},
    off = [],
    files = [],
    slots = ['pg2', 'pg3'],
    dead = [],
  }: Seen,
  options: Options = {},
  done: string[] = [],
): OperationRun<Options> {
  const names = inventory.hosts.map(({ name }) => name);
  const wal = (name: string): Partial<Answer> => ({
    wal: name === leader ? { location: 0x5000, paused: false } : { received: 0x5000, replayed: 0x5000, paused: false },
  });
  const directory = (name: string): object =>
    files.includes(name)
      ? { kind: 'foreign', entries: ['base', 'pg_wal'] }
      : data[name] === null
        ? { kind: 'empty' }
        : {
            kind: 'cluster',
            version: '17',
            systemIdentifier: '7',
            clusterState: 'in production',
            copy: 'none',
            control: 'valid',
            running: true,
            position: { timeline: 4, checkpoint: '0/4000', nextOid: 1, lastRecord: undefined },
            history: { timeline: 4, forks: ['1 0/1000', '2 0/2000', '3 0/3000'] },
            ...data[name],
          };
  const more = names.map((name): [string, Record<string, unknown>] => [
    name,
    {
      [DATA_DIRECTORY.id]: directory(name),
      [DATA_COPY.id]: { identity: `${name}-old`, bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...copy[name] },
      'slots-in-use': slots,
      [DEAD_SLOTS.id]: dead.includes(name) ? ['pg3'] : [],
    },
  ]);
  const run = runSeen(
    inventory,
    {
      leader,
      listed,
      config,
      off,
      own: Object.fromEntries(names.map((name) => [name, own[name] === null ? null : { ...wal(name), ...own[name] }])),
      more: Object.fromEntries(more),
    },
    { member: 'pg3', ...options },
    { done, chosenHosts: ['pg3'] },
  );
  return { ...run, options: options.was === undefined ? (rebuild.choose?.(run) ?? run.options) : run.options };
}

const refusal = (state: Seen, options: Options = {}): string | undefined => rebuild.guards?.(seen(state, options))[0]?.message;
const steps = (run: OperationRun<Options>): string[] =>
  rebuild.remaining(run).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);

/** pg3 is down: what its files say of its last record. */
const down = (lastRecord: string | undefined, timeline = 4, more: Partial<ClusterData> = {}): Seen => ({
  listed: { pg3: null },
  own: { pg3: null },
  data: { pg3: { running: false, position: { timeline, checkpoint: '0/1', nextOid: 1, lastRecord }, ...more } },
});

describe('the member to rebuild', () => {
  const problem = (chosenHosts: string[] | undefined, options: Options = {}): string | undefined =>
    rebuild.problems?.({ inventory, catalog: [], kept: seen({}).kept, chosenHosts, options })[0]?.message;

  it.each<{ hosts?: string[]; says: string | undefined }>([
    { hosts: ['pg3'], says: undefined },
    { says: 'which member is to be rebuilt?' },
    { hosts: ['pg2', 'pg3'], says: 'one member is rebuilt at a time, so that the others keep the data' },
    { hosts: ['app1'], says: 'there is no member "app1"' },
  ])('is exactly one: $hosts', ({ hosts, says }) => expect(problem(hosts)).toBe(says));

  it('is the one of the unfinished rebuild', () => {
    expect(problem(undefined, { member: 'pg3', was: 'x' })).toBeUndefined();
    expect(problem(['pg3'], { member: 'pg3', was: 'x' })).toBeUndefined();
  });
});

describe('the guards of a rebuild', () => {
  const busy = { leader: 'pg1', listed: { pg2: { state: 'stopped' } } };
  it.each<{ title: string; state: Seen; options?: Options; says: string | undefined }>([
    { title: 'all is well', state: {}, says: undefined },
    { title: 'the host does not answer', state: { off: ['pg3'] }, says: 'pg3 does not answer, so its data cannot be seen to' },
    { title: 'another standby does not answer, and the third one streams', state: { off: ['pg2'] }, says: undefined },
    {
      title: 'nobody leads',
      state: { own: { pg1: null } },
      says: 'the cluster has no leader whose data could be copied, so what the members have is not touched',
    },
    {
      title: 'it leads',
      state: { leader: 'pg3' },
      says: 'pg3 leads the cluster, and the leader’s data is what the others are built from',
    },
    {
      title: 'it claims to lead, though another member holds the lock',
      state: { own: { pg3: { role: 'leader' } } },
      says: 'pg1 leads the cluster, and pg3 says that it does too',
    },
    {
      title: 'maintenance mode',
      state: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a switchover is scheduled',
      state: { own: { pg1: { scheduled: { at: '2099-01-01T00:00:00+00:00', to: 'pg2' } } } },
      says: 'a switchover to pg2 is scheduled for 2099-01-01T00:00:00+00:00 (2099-01-01 00:00:00 UTC)',
    },
    {
      title: 'its restart is scheduled',
      state: { listed: { pg3: { scheduledRestart: '2099-01-01T00:00:00+00:00' } } },
      says: 'a restart of pg3 is scheduled for 2099-01-01T00:00:00+00:00',
    },
    {
      title: 'the restart of the leader is scheduled',
      state: { listed: { pg1: { scheduledRestart: '2099-01-01T00:00:00+00:00' } } },
      says: 'a restart of pg1 is scheduled for 2099-01-01T00:00:00+00:00',
    },
    {
      title: 'it is the only standby that streams',
      state: busy,
      says: 'pg3 is the only standby that streams: until it is rebuilt, pg1 alone has the data',
    },
    {
      title: 'it is the only standby that streams, with --without-standby',
      state: busy,
      options: { withoutStandby: true },
      says: undefined,
    },
    { title: 'it does not stream itself', state: { ...down('0/4000'), listed: { pg2: { state: 'stopped' }, pg3: null } }, says: undefined },
    {
      title: 'it is the only one that can be synchronous',
      state: { listed: { pg2: { tags: { nosync: true } }, pg3: { role: 'sync_standby' } } },
      says: 'pg3 is the only standby that can be synchronous, and without one no commit is on two members',
    },
    {
      title: 'the only synchronous standby is not rebuilt where the leader alone may have the data either',
      state: { listed: { pg2: { state: 'stopped' }, pg3: { role: 'quorum_standby' } } },
      options: { withoutStandby: true },
      says: 'pg3 is the only standby that can be synchronous, and without one no commit is on two members',
    },
    { title: 'another can be synchronous', state: { listed: { pg3: { role: 'sync_standby' } } }, says: undefined },
    {
      title: 'there is no room for both',
      state: { copy: { pg3: { free: GIB } } },
      says: `there is no room on pg3 for its data and a new copy: 1.1 GiB is needed for a copy of what pg1 has, and 1 GiB is free beside ${PATH}`,
    },
    { title: 'there is room without its data', state: { copy: { pg3: { free: GIB } } }, options: { discard: true }, says: undefined },
    {
      title: 'there is no room even without its data',
      state: { copy: { pg3: { free: 1024, bytes: 1024 } } },
      options: { discard: true },
      says: `there is no room on pg3: 1.1 GiB is needed for a copy of what pg1 has, and 2 KiB is free even without its data in ${PATH}`,
    },
    {
      title: 'its directory cannot be renamed',
      state: { copy: { pg3: { fixed: 'is a mount point' } } },
      says: `${PATH} is a mount point, so the data on pg3 cannot be put aside`,
    },
    {
      title: 'it need not be renamed',
      state: { copy: { pg3: { fixed: 'is a mount point' } } },
      options: { discard: true },
      says: undefined,
    },
    {
      title: 'Patroni there cannot be asked to remove it',
      state: down('0/4000'),
      options: { discard: true },
      says: 'Patroni on pg3 does not answer, so it cannot remove the data there',
    },
  ])('decide when $title', ({ state, options, says }) => expect(refusal(state, options)).toBe(says));

  it.each<{ title: string; state: Seen; options?: Options; says: string | undefined }>([
    { title: 'it is behind', state: down('0/4FD0'), says: undefined },
    { title: 'it is as far', state: down('0/5000'), says: undefined },
    {
      title: 'it is further on the same timeline',
      state: down('0/5060'),
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/5060 on timeline 4, and pg1, which leads, only at 0/5000',
    },
    {
      title: 'it is on a newer timeline',
      state: down('0/4000', 5),
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/4000 on timeline 5, and pg1, which leads, at 0/5000 on timeline 4',
    },
    {
      title: 'it wrote on after its timeline was left',
      state: down('0/3000', 3, { history: { timeline: 3, forks: ['1 0/1000', '2 0/2000'] } }),
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/3000 on timeline 3, and pg1, which leads on timeline 4, left that timeline at 0/3000',
    },
    { title: 'it stopped before its timeline was left', state: down('0/2FD0', 3), says: undefined },
    {
      title: 'another timeline has the same number',
      state: down('0/4000', 4, { history: { timeline: 4, forks: ['1 0/1000', '2 0/2000', '3 0/3500'] } }),
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/4000 on timeline 4, which is another timeline of that number than the one of pg1',
    },
    {
      title: 'it is listed as streaming, only waits at the leader, and is further',
      state: {
        own: {
          pg1: { replication: [{ application: 'pg3', state: 'startup', syncState: 'async' }] },
          pg3: { wal: { received: 0x5000, replayed: 0x50a0, paused: false } },
        },
      },
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/50A0 on timeline 4, and pg1, which leads, only at 0/5000',
    },
    {
      title: 'it runs, does not stream, and is further',
      state: { listed: { pg3: { state: 'running' } }, own: { pg3: { wal: { received: 0x6000, replayed: 0x5000, paused: false } } } },
      says: 'pg3 may have the only copy of some commits: pg3 is at 0/6000 on timeline 4, and pg1, which leads, only at 0/5000',
    },
    {
      title: 'it streams, and the leader was asked a moment before',
      state: { own: { pg3: { wal: { received: 0x6000, replayed: 0x6000, paused: false } } } },
      says: undefined,
    },
    { title: 'its commits are given up', state: down('0/5060'), options: { giveUpCommits: true }, says: undefined },
    { title: 'its position is unknown, and its data is kept', state: down(undefined), says: undefined },
    { title: 'its data is of another cluster, and is kept', state: down('0/9000', 9, { systemIdentifier: '8' }), says: undefined },
  ])('object where $title', ({ state, options, says }) => expect(refusal(state, options)).toBe(says));

  it('remove no data that may be the last copy', () => {
    const answering = (state: Seen): Seen => ({ ...state, own: { pg3: { state: 'stopped', wal: { paused: false } } } });
    const options = { discard: true, giveUpCommits: true };
    expect(refusal(answering(down('0/5060')), options)).toContain('pg3 may have the only copy of some commits');
    expect(refusal(answering(down(undefined)), options)).toBe(
      'it cannot be told how far the WAL of pg3 goes, so the data on pg3 may have commits that nobody else has',
    );
    expect(refusal(answering({ ...down(undefined), files: ['pg3'] }), options)).toBe(
      'it cannot be told what the files on pg3 are, so the data on pg3 may have commits that nobody else has',
    );
    expect(refusal(answering(down('0/4000', 4, { systemIdentifier: '8' })), options)).toBe(
      'the data on pg3 is of another cluster (8), and may be the only copy of it',
    );
  });

  it('apply before the data is moved, and protect the leader after that as well', () => {
    const moved: Seen = { listed: { pg2: { state: 'stopped' }, pg3: null }, copy: { pg3: { identity: '', free: 0 } }, data: { pg3: null } };
    expect(refusal(moved, { was: 'pg3-old' })).toBeUndefined();
    expect(refusal({ ...moved, own: { pg1: null } }, { was: 'pg3-old' })).toContain('has no leader');
  });
});

describe('the steps of a rebuild', () => {
  const ALL = [
    'stop Patroni on pg3 and put its data aside @pg3',
    'have Patroni copy the data of pg1 to pg3 @pg3',
    'wait until pg1 lists pg3 as streaming @pg1',
  ];
  const gone = (more: Seen = {}): Seen => ({
    listed: { pg3: null },
    own: { pg3: null },
    data: { pg3: null },
    copy: { pg3: { identity: '' } },
    ...more,
  });

  it('put its data aside, and have it copied anew', () => {
    expect(steps(seen({}))).toEqual(ALL);
    const [first, second] = rebuild.remaining(seen({})).steps;
    expect(first?.effect).toBe('pg3 serves no reads until it streams again');
    expect(second?.effect).toBe('pg1 writes a checkpoint and sends 1 GiB');
  });

  it('warn of what commits notice when a synchronous standby is rebuilt', () => {
    const [first] = rebuild.remaining(seen({ listed: { pg3: { role: 'sync_standby' } } })).steps;
    expect(first?.effect).toContain('commits wait for some seconds, until Patroni has another synchronous standby');
  });

  it('drop a slot of it that was invalidated, before it streams again', () => {
    const dead = ['pg1', 'pg2'];
    const all = rebuild.remaining(seen({ dead })).steps;
    expect(all.map(({ id }) => id)).toEqual(['put-aside', 'slot', 'copy', 'follow']);
    expect(all[1]).toMatchObject({ on: dead });
    const back = seen({ dead, copy: { pg3: { identity: 'new' } } }, { was: 'pg3-old' });
    expect(rebuild.remaining(back).steps).toEqual([]);
    expect(rebuild.checks?.(back).filter(({ ok }) => !ok)).toMatchObject([{ title: 'its replication slots keep WAL' }]);
  });

  it('ask every member for slots that were invalidated, by themselves: the role postgresql has no part in a rebuild', () => {
    const asked = rebuild.observations?.(contextOf(inventory, 'pg2'), { options: {} } as never) ?? [];
    expect(asked.map(({ id }) => id)).toContain(DEAD_SLOTS.id);
  });

  it('have Patroni remove the data when asked to', () => {
    const [first, ...rest] = rebuild.remaining(seen({}, { discard: true })).steps;
    expect([first?.title, first?.pointOfNoReturn, first?.effect]).toEqual([
      'have Patroni remove the data of pg3',
      true,
      'pg3 serves no reads until it streams again; 1 GiB of data is gone for good',
    ]);
    expect(rest.map(({ id }) => id)).toEqual(['copy', 'follow']);
  });

  it.each<{ title: string; run: OperationRun<Options>; left: string[] }>([
    { title: 'its data is aside', run: seen(gone(), { was: 'pg3-old' }), left: ALL.slice(1) },
    {
      title: 'the store still lists it as streaming, and it has no data',
      run: seen(gone({ listed: {} }), { was: 'pg3-old' }),
      left: ALL.slice(1),
    },
    {
      title: 'it is being copied',
      run: seen({ own: { pg3: { state: 'creating replica' } }, copy: { pg3: { identity: 'new' } } }, { was: 'pg3-old' }),
      left: ALL.slice(1),
    },
    {
      title: 'Patroni is removing it',
      run: seen({ own: { pg3: { state: 'creating replica' } } }, { was: 'pg3-old', discard: true }),
      left: ALL.slice(1),
    },
    {
      title: 'the copy was broken off',
      run: seen(gone({ data: { pg3: { copy: 'interrupted', running: false } }, copy: { pg3: { identity: 'half' } } }), { was: 'pg3-old' }),
      left: ['put a copy on pg3 aside that was broken off @pg3', ...ALL.slice(1)],
    },
    {
      title: 'the copy was recovered before it was a standby',
      run: seen(
        {
          own: {
            pg1: { replication: [{ application: 'pg3', state: 'startup', syncState: 'async' }] },
            pg3: { wal: { received: 0x5000, replayed: 0x50a0, paused: false } },
          },
          copy: { pg3: { identity: 'new' } },
        },
        { was: 'pg3-old' },
      ),
      left: ['put a copy on pg3 aside that has WAL of its own and cannot stream from pg1 @pg3', ...ALL.slice(1)],
    },
    {
      title: 'it has just begun to stream, after the leader was asked',
      run: seen(
        {
          own: { pg1: { replication: [] }, pg3: { wal: { received: 0x50a0, replayed: 0x50a0, paused: false } } },
          copy: { pg3: { identity: 'new' } },
        },
        { was: 'pg3-old' },
      ),
      left: ALL.slice(1),
    },
    {
      title: 'it streams, and the leader does not list it yet',
      run: seen({ listed: { pg3: { state: 'running' } }, copy: { pg3: { identity: 'new' } } }, { was: 'pg3-old' }, ['put-aside', 'copy']),
      left: ALL.slice(2),
    },
    { title: 'it streams', run: seen({ copy: { pg3: { identity: 'new' } } }, { was: 'pg3-old' }), left: [] },
  ])('are only what is left where $title', ({ run, left }) => expect(steps(run)).toEqual(left));

  it('wait for a copy that something else began, and leave it alone', () => {
    const run = seen({ own: { pg3: { state: 'creating replica' } }, copy: { pg3: { identity: 'half' } } });
    expect(run.options.was).toBe('');
    expect(steps(run)).toEqual(ALL.slice(1));
    expect(rebuild.guards?.(run)).toEqual([]);
  });

  it('do not require data', () => {
    const run = seen(gone());
    expect(run.options.was).toBe('');
    expect(steps(run)).toEqual(ALL.slice(1));
  });
});

describe('the proof of a rebuild', () => {
  const aside = { 'pg3-old': `${PATH}.aside-20261128T160000` };
  const proofs = (state: Seen): string[] =>
    (rebuild.checks?.(seen(state, { was: 'pg3-old' })) ?? []).map(({ title, ok, detail }) => `${ok} ${title}: ${detail}`);

  it('holds when the member streams', () => {
    expect(proofs({ copy: { pg3: { identity: 'new', aside } } })).toEqual([
      `true its data is a new copy: the old one is in ${PATH}.aside-20261128T160000`,
      'true it streams on the leader’s timeline: streaming, timeline 4; pg1 is on 4',
      'true it is a copy of the same database: system identifier 7',
      'true its replication slot on pg1 is in use: pg2, pg3',
      'true its replication slots keep WAL: none was invalidated',
    ]);
  });

  it.each<{ title: string; state: Seen; fails: string }>([
    { title: 'the old data is still there', state: {}, fails: 'its data is a new copy' },
    { title: 'another timeline', state: { copy: { pg3: { identity: 'new' } }, listed: { pg3: { timeline: 3 } } }, fails: 'it streams on' },
    {
      title: 'another database',
      state: { copy: { pg3: { identity: 'new' } }, data: { pg3: { systemIdentifier: '8' } } },
      fails: 'it is a copy of',
    },
    { title: 'its slot is idle', state: { copy: { pg3: { identity: 'new' } }, slots: ['pg2'] }, fails: 'its replication slot' },
  ])('fails when there is $title', ({ state, fails }) =>
    expect(
      proofs(state)
        .filter((line) => line.startsWith('false'))
        .join(),
    ).toContain(fails),
  );

  it('requires no slot when slots are not used', () => {
    const state = { copy: { pg3: { identity: 'new' } }, slots: [], config: { postgresql: { use_slots: false } } };
    expect(proofs(state).some((line) => line.includes('slot'))).toBe(false);
  });

  it('says where the old data is, also where the rest was done when it was given again', () => {
    const state = seen({ copy: { pg3: { identity: 'new', aside } } }, { was: 'pg3-old' });
    const told = `pg3 streams from pg1 with data that was copied anew; what it had before is in ${PATH}.aside-20261128T160000 there, remove it when nobody needs it`;
    expect([rebuild.finished?.(state), rebuild.nothing?.(state)]).toEqual([told, told]);
    const more = { ...aside, half: `${PATH}.aside-20261128T170000` };
    expect(rebuild.finished?.(seen({ copy: { pg3: { identity: 'new', aside: more } } }, { was: 'pg3-old' }))).toMatch(
      /put aside earlier, or broken off: .*aside-20261128T170000$/u,
    );
  });
});
