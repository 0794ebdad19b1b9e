import { describe, expect, it } from 'vitest';
import failover from '../../src/operations/failover.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../../src/resources/data-directory.js';
import type { DcsState } from '../../src/resources/dcs.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../../src/resources/etcd/member.js';
import type { ClusterMember, PatroniMemberState } from '../../src/resources/patroni/member.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { runSeen } from './run-seen.js';

const inventory = await inventoryOf(THREE);
type Answer = Extract<PatroniMemberState, { answers: true }>;
type Store = Extract<DcsState, { reachable: true }>;

interface Options {
  to?: string;
  lose?: number;
  asynchronous?: boolean;
  former?: string;
  followers?: readonly string[];
}

interface Seen {
  /** Who leads; default: nobody. */
  leader?: string;
  /** Hosts that cannot be reached; default: pg1. */
  off?: string[];
  /** How far members are in the WAL, in bytes. */
  at?: Record<string, number>;
  /** What differs in what a member says of itself; null: it does not answer. */
  own?: Record<string, Partial<Answer> | null>;
  tags?: Record<string, Record<string, unknown>>;
  store?: Partial<Store>;
  /** The store has no quorum. */
  noQuorum?: true;
  data?: Record<string, Partial<Extract<DataDirectoryState, { kind: 'cluster' }>>>;
}

const LEASE: Partial<Store> = { leader: 'pg1' };

/** A cluster whose leader pg1 is off, with its lease gone, and whose standbys have all of its WAL, but for what is given. */
function seen(
  { leader, off = ['pg1'], at = {}, own = {}, tags = {}, store = {}, noQuorum, data = {} }: Seen,
  options: Options = {},
  done: string[] = [],
): OperationRun<Options> {
  const names = inventory.hosts.map(({ name }) => name);
  const listed = names.map((name): [string, Partial<ClusterMember> | null] => [
    name,
    off.includes(name)
      ? null
      : { ...(leader === undefined ? { state: 'running' } : {}), ...(tags[name] === undefined ? {} : { tags: tags[name] }) },
  ]);
  const wal = (name: string): Partial<Answer> => ({ wal: { received: at[name] ?? 0x5005498, replayed: 0x5005000, paused: false } });
  const etcd: EtcdMemberState = { healthy: noQuorum !== true, members: [], requiresClientCertificate: true, hasData: true };
  return runSeen(
    inventory,
    {
      leader: leader ?? null,
      off,
      listed: Object.fromEntries(listed),
      own: Object.fromEntries(names.map((name) => [name, own[name] === null ? null : { ...wal(name), ...own[name] }])),
      store: noQuorum === true ? null : { config: {}, leaderPosition: 0x5005000, ...store },
      more: Object.fromEntries(
        names.map((name) => [
          name,
          { [ETCD_MEMBER.id]: etcd, ...(data[name] === undefined ? {} : { [DATA_DIRECTORY.id]: { kind: 'cluster', ...data[name] } }) },
        ]),
      ),
    },
    options,
    { done },
  );
}

/** What is decided where the command is given for the first time. */
function begun(state: Seen, given: Options = {}): OperationRun<Options> {
  const run = seen(state, given);
  return { ...run, options: failover.choose?.(run) ?? given };
}

const SYNC: Seen['store'] = { config: { synchronous_mode: true }, sync: { leader: 'pg1', standbys: ['pg3'] } };

describe('the choice of a failover', () => {
  it.each<{ title: string; state: Seen; given?: Options; chosen: Options }>([
    { title: 'the first of equal members', state: { store: LEASE }, chosen: { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] } },
    { title: 'the most advanced member', state: { at: { pg3: 0x5005499 } }, chosen: { to: 'pg3', former: '', followers: ['pg2', 'pg3'] } },
    {
      title: 'the member on the later timeline, whatever the position',
      state: { at: { pg2: 0x9000000 }, own: { pg3: { timeline: 5 } } },
      chosen: { to: 'pg3', former: '', followers: ['pg2', 'pg3'] },
    },
    {
      title: 'a member that may lead',
      state: { tags: { pg2: { nofailover: true } }, store: LEASE },
      chosen: { to: 'pg3', former: 'pg1', followers: ['pg2', 'pg3'] },
    },
    {
      title: 'the synchronous standby, and knows the former leader from the DCS',
      state: { store: SYNC },
      chosen: { to: 'pg3', former: 'pg1', followers: ['pg2', 'pg3'] },
    },
    {
      title: 'a standby, and knows the former leader from the history once the lease is over',
      state: { store: { lastPromotion: { timeline: 4, to: 'pg1', reason: '', lsn: '0/5000498' } } },
      chosen: { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] },
    },
    {
      title: 'the member that was asked for',
      state: { store: LEASE },
      given: { to: 'pg3' },
      chosen: { to: 'pg3', former: 'pg1', followers: ['pg2', 'pg3'] },
    },
    {
      title: 'no member when no PostgreSQL runs',
      state: { own: { pg2: { wal: undefined as never }, pg3: null } },
      chosen: { to: '', former: '', followers: [] },
    },
    { title: 'no member while one leads', state: { leader: 'pg1', off: [] }, chosen: {} },
    {
      title: 'another member when the leader’s PostgreSQL does not run',
      state: { leader: 'pg1', off: [], own: { pg1: { state: 'starting', wal: undefined as never } } },
      chosen: { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] },
    },
  ])('falls on $title', ({ state, given = {}, chosen }) => expect(failover.choose?.(seen(state, given))).toEqual(chosen));
});

describe('the guards of a failover', () => {
  const refusal = (state: Seen, given: Options = {}): string | undefined => failover.guards?.(begun(state, given))[0]?.message;
  const hint = (state: Seen, given: Options = {}): string | undefined => failover.guards?.(begun(state, given))[0]?.hint;

  it.each<{ title: string; state: Seen; given?: Options; says: string | undefined }>([
    { title: 'the leader is lost', state: { store: LEASE }, says: undefined },
    { title: 'nobody leads', state: { off: [] }, says: undefined },
    { title: 'a member leads', state: { leader: 'pg1', off: [] }, says: 'pg1 leads, so there is nothing to fail over from' },
    {
      title: 'another member leads',
      state: { leader: 'pg1', off: [] },
      given: { to: 'pg2' },
      says: 'pg1 leads, so there is nothing to fail over from',
    },
    { title: 'the member leads that is to', state: { leader: 'pg1', off: [] }, given: { to: 'pg1' }, says: undefined },
    {
      title: 'no quorum',
      state: { noQuorum: true, off: ['pg1', 'pg3'] },
      says: 'etcd has no quorum, so no member can take the lead: it does not work on pg1, pg2 and pg3',
    },
    {
      title: 'no quorum, which the leader has not noticed',
      state: { leader: 'pg1', off: ['pg3'], noQuorum: true },
      says: 'etcd has no quorum, so no member can take the lead: it does not work on pg1, pg2 and pg3; pg1 still leads',
    },
    { title: 'no Patroni', state: { own: { pg2: null, pg3: null } }, says: 'no member’s Patroni answers, so none can take the lead' },
    {
      title: 'maintenance mode',
      state: { store: { config: { pause: true } } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a primary without its Patroni',
      state: { off: [], own: { pg1: null }, data: { pg1: { running: true, clusterState: 'in production' } } },
      says: 'PostgreSQL on pg1 runs as a primary without its Patroni: clients may write there, and a failover would make a second one',
    },
    {
      title: 'a standby without its Patroni',
      state: { off: [], own: { pg1: null }, data: { pg1: { running: true, clusterState: 'in archive recovery' } } },
      says: undefined,
    },
    { title: 'the candidate is off', state: {}, given: { to: 'pg1' }, says: 'pg1 cannot take the lead: it cannot be reached' },
    {
      title: 'the candidate is tagged nofailover',
      state: { tags: { pg3: { nofailover: true } } },
      given: { to: 'pg3' },
      says: 'pg3 cannot take the lead: it never leads: it has the tag nofailover',
    },
    {
      title: 'PostgreSQL is down on the candidate',
      state: { own: { pg3: { state: 'start failed', wal: undefined as never } } },
      given: { to: 'pg3' },
      says: 'pg3 cannot take the lead: it has no PostgreSQL that runs (start failed)',
    },
    {
      title: 'the candidate is behind',
      state: { at: { pg3: 0x5005400 } },
      given: { to: 'pg3' },
      says: 'pg3 is 152 bytes of WAL behind pg2, which would be lost',
    },
    {
      title: 'the candidate is behind, within the accepted loss',
      state: { at: { pg3: 0x5005400 } },
      given: { to: 'pg3', lose: 152 },
      says: undefined,
    },
    {
      title: 'the candidate is behind by more than the accepted loss',
      state: { at: { pg3: 0x5005400 } },
      given: { to: 'pg3', lose: 151 },
      says: 'pg3 is 152 bytes of WAL behind pg2, which would be lost',
    },
    {
      title: 'the most advanced member may never lead',
      state: { at: { pg3: 0x5005400 }, tags: { pg2: { nofailover: true } } },
      says: 'pg3 is 152 bytes of WAL behind pg2, which would be lost',
    },
    {
      title: 'the candidate is on an older timeline, whatever loss is accepted',
      state: { own: { pg3: { timeline: 3 } } },
      given: { to: 'pg3', lose: 1e9 },
      says: 'pg3 is on timeline 3, and pg2 on 4: what was written on that is not on pg3',
    },
    {
      title: 'the candidate is asynchronous under synchronous_mode',
      state: { store: SYNC },
      given: { to: 'pg2' },
      says: 'pg2 cannot take the lead: it is no synchronous standby, so it may lack commits that clients were told of (pg3 has them)',
    },
    {
      title: 'the candidate is asynchronous, and what it lacks is given up',
      state: { store: SYNC, off: ['pg1', 'pg3'] },
      given: { to: 'pg2', asynchronous: true },
      says: undefined,
    },
    {
      title: 'what the candidate lacks is given up, but it cannot lead',
      state: { store: SYNC, tags: { pg2: { nofailover: true } } },
      given: { to: 'pg2', asynchronous: true },
      says: 'pg2 cannot take the lead: it never leads: it has the tag nofailover',
    },
    { title: 'the candidate is synchronous', state: { store: SYNC }, given: { to: 'pg3' }, says: undefined },
  ])('decide in this case: $title', ({ state, given, says }) => expect(refusal(state, given)).toBe(says));

  it('name the commands to use', () => {
    expect(hint({ at: { pg3: 0x5005400 } }, { to: 'pg3' })).toBe(
      'leave out --to for the most advanced member that can lead; to lose them nevertheless, add --lose 152',
    );
    expect(hint({ noQuorum: true })).toBe(
      `bring etcd back on 2 of pg1, pg2 and pg3 (\`pgprov apply ${inventory.file}\` starts it on hosts that can be reached); Patroni then chooses a leader by itself`,
    );
    expect(hint({ leader: 'pg1', off: [] })).toContain(`pgprov switchover ${inventory.file}`);
    expect(hint({ store: SYNC }, { to: 'pg2' })).toContain('to lose what pg2 lacks, add --asynchronous');
    const tagged: Seen = { tags: { pg2: { nofailover: true }, pg3: { nofailover: true } } };
    const way = `\`pgprov recover ${inventory.file} --without pg1\` does so without what only pg1 may have`;
    expect([hint(tagged), hint(tagged, { to: 'pg2' })]).toEqual([expect.stringContaining(way), expect.stringContaining(way)]);
    const byHand = 'take the tags of pg2 out of the inventory and of /etc/patroni/config.yml there, `systemctl reload patroni` there';
    expect(hint({ tags: { pg2: { nofailover: true } } }, { to: 'pg2' })).toContain(byHand);
    expect(hint({ store: SYNC, off: ['pg1', 'pg3'] })).toContain('to take one that was no synchronous standby');
  });

  it('name the reason for every member when none can take over', () => {
    const state: Seen = { store: { ...LEASE, ...SYNC }, off: ['pg1', 'pg3'] };
    expect(refusal(state)).toBe(
      'no member can take the lead:\n  pg1 led before, and is lost\n  pg2 is no synchronous standby, so it may lack commits that clients were told of (pg3 has them)\n  pg3 cannot be reached',
    );
  });

  it('refuse while a leader that does not answer here keeps its lease, and not when its Patroni answers', () => {
    const chosen: Options = { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] };
    const after = (state: Seen): string | undefined => failover.guards?.(seen(state, chosen, ['wait']))[0]?.message;
    expect(after({ store: LEASE })).toBe('pg1 renews its lease in etcd: it still leads, though it does not answer here');
    expect(after({})).toBeUndefined();
    expect(after({ off: [], store: LEASE, own: { pg1: { state: 'starting', wal: undefined as never } } })).toBeUndefined();
  });

  it('allow an interrupted failover to continue when a member leads', () => {
    const chosen: Options = { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] };
    expect(failover.guards?.(seen({ leader: 'pg3' }, chosen))).toEqual([]);
  });
});

/** pg3 as Patroni's recovery of a base backup in single-user mode leaves it, `more` of it differing. */
function recoveredAlone(store: Partial<Store> = LEASE, more: { at?: number; replayed?: number; checkpoint?: string } = {}): Seen {
  const { at = 0x5005510, replayed = at, checkpoint = '0/5005498' } = more;
  return {
    store,
    own: { pg3: { wal: { received: at, replayed, paused: false } } },
    data: { pg3: { position: { timeline: 4, checkpoint, atRest: true, nextOid: 20000, lastRecord: undefined } } },
  };
}

/** That the cluster left a timeline there. */
const ENDS = (timeline: number, at: number): Partial<Store> => ({
  ...LEASE,
  timelineEnds: [{ timeline, at, reason: 'no recovery target specified', time: undefined, leader: 'pg1' }],
});

describe('a member with WAL of its own', () => {
  const FORKED: Seen = {
    store: ENDS(3, 0x4000100),
    at: { pg3: 0x9000000 },
    data: {
      pg2: { history: { timeline: 4, forks: ['3 0/4000100'] } },
      pg3: { history: { timeline: 4, forks: ['3 0/40000D8'] } },
    },
  };
  const SIGNS: { title: string; state: Seen; chosen?: string; why?: string }[] = [
    {
      title: 'another history than the store has',
      state: FORKED,
      why: 'pg3 has WAL that is not the cluster’s: it left timeline 3 at 0/40000D8, and the cluster left it at 0/4000100',
    },
    {
      title: 'more of a timeline than the cluster',
      state: { store: ENDS(4, 0x5005000), own: { pg2: { timeline: 5 } }, at: { pg3: 0x9000000 } },
      why: 'pg3 has WAL that is not the cluster’s: it has WAL of timeline 4 up to 0/9000000, and the cluster left it at 0/5005000',
    },
    {
      title: 'a checkpoint that no leader wrote',
      state: recoveredAlone(),
      why: 'pg3 may have WAL that no leader wrote: it has a checkpoint at 0/5005498 that a server wrote as it stopped; the last leader was last known at 0/5005000, and no other member has WAL up to there',
    },
    {
      title: 'WAL received that it cannot replay',
      state: recoveredAlone({ ...LEASE, leaderPosition: 0x9000000 }, { at: 0x5005498, replayed: 0x4000088, checkpoint: '0/4000028' }),
      why: 'pg3 may have WAL that no leader wrote: it has received WAL up to 0/5005498, and replays nothing of it after the checkpoint at 0/4000028',
    },
    { title: 'none: the leader stopped there', state: recoveredAlone({ ...LEASE, leaderPosition: 0x5005498 }), chosen: 'pg3' },
    {
      title: 'none: another has that WAL as well',
      state: { ...recoveredAlone(), at: { pg2: 0x5005510 } },
      chosen: 'pg3',
    },
    { title: 'none: it stands where the timeline was left', state: { store: ENDS(4, 0x5005498) } },
    {
      title: 'none: its history is the cluster’s',
      state: { ...FORKED, data: { pg3: { history: { timeline: 4, forks: ['3 0/4000100'] } } } },
      chosen: 'pg3',
    },
  ];

  it.each(SIGNS)('shows by $title', ({ state, chosen = 'pg2', why }) => {
    const run = begun(state);
    expect(run.options.to).toBe(chosen);
    expect(failover.question?.(run)).toBe(
      `${why === undefined ? '' : `${why}. `}What ${chosen} does not have is lost. Fail over to ${chosen} in place of pg1?`,
    );
  });

  it('does not keep others from the lead where it is proved, and else only until what it has is given up', () => {
    const refusal = (state: Seen, given: Options = {}): string | undefined => failover.guards?.(begun(state, given))[0]?.message;
    const [proved] = SIGNS;
    expect(refusal(proved?.state ?? {})).toBeUndefined();
    expect(refusal(recoveredAlone())).toContain(
      'pg2 is 120 bytes of WAL behind pg3, which may have them for itself alone: it has a checkpoint',
    );
    expect(failover.guards?.(begun(recoveredAlone()))[0]?.hint).toBe(
      'where they are no commits of clients, give them up with --lose 120; to keep them, --to pg3',
    );
    expect(refusal(recoveredAlone(), { lose: 120 })).toBeUndefined();
    expect(refusal(recoveredAlone(), { to: 'pg3' })).toBeUndefined();
  });

  it('is taken only where it is named, also where it is the last', () => {
    const last: Seen = { ...recoveredAlone(), off: ['pg1', 'pg2'] };
    expect(failover.guards?.(begun(last))).toMatchObject([
      {
        message: expect.stringContaining('\n  pg3 could, but pg3 may have WAL that no leader wrote: it has a checkpoint'),
        hint: expect.stringContaining('name it with --to'),
      },
    ]);
    expect(failover.guards?.(begun(last, { to: 'pg3' }))).toEqual([]);
  });

  it('is told of in the steps: Patroni may choose it', () => {
    const { steps } = failover.remaining(begun(recoveredAlone(), { lose: 120 }));
    expect(steps[0]?.effect).toBe('Patroni goes by positions alone, so it may choose pg3');
    expect(steps[1]?.effect).toContain('pg3 up to 0/5005510, 120 bytes more, which are lost, and pg3 may have WAL that no leader wrote');
    const behind = failover.remaining(begun({ store: ENDS(4, 0x5005498) })).steps[1]?.effect;
    expect(behind).toContain('the cluster was on timeline 5, of which pg2 has nothing');
  });

  it('comes after one that has replayed as much as it has received, where both have received the same', () => {
    expect(begun({ own: { pg3: { wal: { received: 0x5005498, replayed: 0x5005498, paused: false } } } }).options.to).toBe('pg3');
  });

  it('is no candidate before a server has started on its base backup', () => {
    expect(failover.guards?.(begun({ data: { pg3: { unstarted: true } } }, { to: 'pg3' }))[0]?.message).toBe(
      'pg3 cannot take the lead: it has a base backup on which PostgreSQL never started',
    );
  });
});

describe('the steps of a failover', () => {
  const steps = (run: OperationRun<Options>): string[] =>
    failover.remaining(run).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);
  const effect = (state: Seen, given: Options = {}): string[] =>
    (failover.remaining(begun(state, given)).steps.find(({ id }) => id === 'fail-over')?.effect ?? '').split('; ');

  it('first wait for Patroni to act, for the time of the lease while it is held', () => {
    expect(steps(begun({ store: LEASE }))).toEqual([
      'give Patroni up to 55 s to choose a leader by itself @pg2',
      'make pg2 the leader in place of pg1, if Patroni has chosen none @pg2',
      'wait until pg3 streams from the new leader @pg2',
    ]);
    expect(steps(begun({ store: { ...LEASE, config: { ttl: 60, loop_wait: 20 } } }))[0]).toContain('up to 95 s');
    expect(steps(begun({}))[0]).toContain('up to 25 s');
  });

  it('include only what is left, whoever leads by now', () => {
    const chosen: Options = { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] };
    expect(steps(seen({}, chosen, ['wait']))[0]).toContain('make pg2 the leader');
    const stops: Seen = { leader: 'pg3', own: {} };
    expect(steps(seen(stops, chosen, ['wait']))).toEqual([]);
    expect(failover.finished?.(seen(stops, chosen, ['wait']))).toContain(
      'pg3 leads on timeline 4; Patroni chose it by itself. When pg1 comes back',
    );
  });

  it('show exactly what each member has and what would be lost', () => {
    expect(effect({ store: LEASE })).toEqual([
      'pg2 has the WAL up to 0/5005498 on timeline 4',
      'pg3 has the same',
      'pg1 was last known at 0/5005000, which pg2 has',
      'what pg1 wrote after that and did not send is lost, and how much that is nobody knows',
      'if pg1 only hangs, what it acknowledges to clients when it goes on is lost too: switch its host off first, if you can',
    ]);
    expect(effect({ store: LEASE, off: [] }).at(-1)).toContain('how much that is nobody knows');
    expect(effect({ store: SYNC, off: ['pg1', 'pg3'] }, { to: 'pg2', asynchronous: true }).at(-1)).toBe(
      'pg2 is no synchronous standby, so it may lack commits that clients were told of (pg3 has them)',
    );
    expect(effect({ store: { ...LEASE, leaderPosition: 0x5005598 }, at: { pg3: 0x5005400 } }).slice(1, 3)).toEqual([
      'pg3 up to 0/5005400, 152 bytes less',
      'pg1 was last known at 0/5005598: at least 256 bytes are lost',
    ]);
    expect(effect({ store: LEASE, at: { pg3: 0x5005400 } }, { to: 'pg3', lose: 152 })[1]).toBe(
      'pg2 up to 0/5005498, 152 bytes more, which are lost',
    );
    expect(effect({ store: SYNC, off: ['pg1', 'pg2'] }).slice(1)).toEqual([
      'what pg2 has is unknown: it cannot be reached',
      'with synchronous_mode pg3 has every commit that waited for a synchronous standby',
    ]);
    expect(effect({ store: { leaderPosition: undefined as never } }).at(-1)).toBe(
      'how far the last leader was is unknown: what it did not send is lost',
    );
  });

  it('are proved on the members that were up, and name the others', () => {
    const chosen: Options = { to: 'pg2', former: 'pg1', followers: ['pg2', 'pg3'] };
    const checks = (state: Seen): string[] =>
      (failover.checks?.(seen(state, chosen)) ?? []).map(({ host, ok, detail }) => `${host ?? 'cluster'} ${ok} ${detail}`);
    expect(checks({ leader: 'pg2' })).toEqual([
      'cluster true pg2, timeline 4',
      'pg3 true streaming, timeline 4',
      'pg1 true it cannot be reached',
    ]);
    // What Patroni lists is as old as its last loop, and its own server says where it is.
    expect(checks({ leader: 'pg2', own: { pg2: { timeline: 5 } } }).slice(0, 2)).toEqual([
      'cluster true pg2, timeline 5',
      'pg3 false streaming, timeline 4',
    ]);
    expect(checks({})).toEqual(['cluster false nobody leads']);
    expect(failover.nothing?.(seen({ leader: 'pg2' }, chosen))).toBe('pg2 leads, and all members that were up stream from it');
  });
});
