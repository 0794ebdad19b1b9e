import { describe, expect, it } from 'vitest';
import switchover from '../../src/operations/switchover.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const inventory = await inventoryOf(THREE);

interface Options {
  to?: string;
  at?: string;
  cancel?: boolean;
  leader?: string;
  without?: readonly string[];
}

/** A cluster in which pg1 leads and the others stream, but for what is given. */
function seen(state: Seen, given: string | Options = {}, done: string[] = []): OperationRun<Options> {
  return runSeen(inventory, state, typeof given === 'string' ? { to: given } : given, { done });
}

const AT = '2099-01-01T00:00:00+00:00';

const objection = (state: Seen, to = 'pg2'): string | undefined => switchover.guards?.(seen(state, to))[0]?.message;
const steps = (run: OperationRun<Options>): string[] =>
  switchover.remaining(run).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);

describe('the guards of a switchover', () => {
  it('name commands that work when pasted', () => {
    const hint = (state: Seen): string | undefined => switchover.guards?.(seen(state, 'pg2'))[0]?.hint;
    expect(hint({ config: { pause: true } })).toBe(`end it first (\`pgprov resume ${inventory.file}\`), then run this again`);
    expect(hint({ own: { pg1: { scheduled: { at: AT, to: 'pg3' } } } })).toBe(
      `wait for it, or cancel it first: \`pgprov switchover ${inventory.file} --cancel\``,
    );
    expect(hint({ off: ['pg1'] })).toContain(`pgprov failover ${inventory.file}`);
  });

  it.each<{ title: string; state: Seen; to?: string; says: string | undefined }>([
    { title: 'all is well', state: {}, says: undefined },
    { title: 'the candidate leads already', state: { leader: 'pg2' }, says: undefined },
    { title: 'nobody leads', state: { own: { pg1: null } }, says: 'the cluster has no leader that could hand the lead over' },
    {
      title: 'etcd has no quorum, which the leader has not noticed yet',
      state: { store: null },
      says: 'etcd has no quorum, so no member can take the lead: it does not work on pg1, pg2 and pg3',
    },
    {
      title: 'maintenance mode',
      state: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a switchover is scheduled',
      state: { own: { pg1: { scheduled: { at: '2099-01-01T00:00:00+00:00', to: 'pg3' } } } },
      says: 'a switchover to pg3 is scheduled for 2099-01-01T00:00:00+00:00 (2099-01-01 00:00:00 UTC)',
    },
    {
      title: 'the leader cannot be reached',
      state: { off: ['pg1'] },
      says: 'pg1 leads, and cannot be reached from here, so it cannot be asked to hand the lead over',
    },
    { title: 'the candidate cannot be reached', state: { off: ['pg2'] }, says: 'pg2 cannot take the lead: it cannot be reached' },
    { title: 'a third member cannot be reached', state: { off: ['pg3'] }, says: undefined },
    { title: 'a third member is down', state: { listed: { pg3: { state: 'stopped' } }, own: { pg3: null } }, says: undefined },
    {
      title: 'another standby is being built',
      state: { own: { pg3: { state: 'creating replica' } } },
      says: 'pg3 is being built as a replica, from the member that leads now',
    },
    {
      title: 'the candidate is not in the cluster',
      state: { listed: { pg2: null } },
      says: 'pg2 cannot take the lead: it is not in the cluster, according to Patroni',
    },
    {
      title: 'the candidate does not answer',
      state: { own: { pg2: null } },
      says: 'pg2 cannot take the lead: it does not answer at its REST API',
    },
    {
      title: 'the candidate’s PostgreSQL does not run',
      state: { listed: { pg2: { state: 'start failed' } } },
      says: 'pg2 cannot take the lead: it is "start failed", and does not stream',
    },
    {
      title: 'the candidate waits for WAL that the leader never wrote',
      state: { own: { pg1: { replication: [{ application: 'pg2', state: 'startup', syncState: 'async' }] } } },
      says: 'pg2 cannot take the lead: it has no connection to pg1 that streams, though Patroni lists it as "streaming"',
    },
    {
      title: 'the candidate may never lead',
      state: { listed: { pg2: { tags: { nofailover: true } } } },
      says: 'pg2 cannot take the lead: it never leads: it has the tag nofailover',
    },
    {
      title: 'the candidate is on another timeline',
      state: { listed: { pg2: { timeline: 3 } } },
      says: 'pg2 cannot take the lead: it is on timeline 3, and the leader on 4',
    },
    {
      title: 'the candidate’s lag is unknown',
      state: { listed: { pg2: { lag: undefined } } },
      says: 'pg2 cannot take the lead: it has a lag that Patroni does not know',
    },
    {
      title: 'the candidate lags too much',
      state: { listed: { pg2: { lag: 2_000_000 } } },
      says: 'pg2 cannot take the lead: it is 2000000 bytes behind, more than maximum_lag_on_failover allows (1048576)',
    },
    {
      title: 'the candidate lags as much as allowed',
      state: { listed: { pg2: { lag: 2_000_000 } }, config: { maximum_lag_on_failover: 3_000_000 } },
      says: undefined,
    },
    {
      title: 'the candidate is asynchronous under synchronous_mode',
      state: { config: { synchronous_mode: true } },
      says: 'pg2 cannot take the lead: it is no synchronous standby, and with synchronous_mode only a synchronous standby takes the lead',
    },
    {
      title: 'the candidate is synchronous',
      state: { config: { synchronous_mode: true }, listed: { pg2: { role: 'sync_standby' } } },
      says: undefined,
    },
    {
      title: 'the candidate is in the quorum',
      state: { config: { synchronous_mode: 'quorum' }, listed: { pg2: { role: 'quorum_standby' } } },
      says: undefined,
    },
  ])('decide in this case: $title', ({ state, to, says }) => expect(objection(state, to)).toBe(says));

  it('name the reason for every standby when none can take over', () => {
    const run = seen({ listed: { pg2: { lag: 9_000_000 }, pg3: { state: 'stopped' } } }, '');
    expect(switchover.guards?.(run)[0]?.message).toBe(
      'no standby can take the lead from pg1:\n  pg2 is 9000000 bytes behind, more than maximum_lag_on_failover allows (1048576)\n  pg3 is "stopped", and does not stream',
    );
  });
});

describe('the choice of a switchover', () => {
  it.each<{ title: string; state: Seen; to?: string; chosen: string }>([
    { title: 'the first of equal standbys', state: {}, chosen: 'pg2' },
    { title: 'the standby with the least lag', state: { listed: { pg2: { lag: 100 } } }, chosen: 'pg3' },
    { title: 'a standby that can lead', state: { listed: { pg2: { tags: { nofailover: true } } } }, chosen: 'pg3' },
    {
      title: 'the synchronous standby',
      state: { config: { synchronous_mode: true }, listed: { pg3: { role: 'sync_standby', lag: 50 } } },
      chosen: 'pg3',
    },
    { title: 'the standby that was asked for', state: { listed: { pg3: { lag: 100 } } }, to: 'pg3', chosen: 'pg3' },
    { title: 'no standby when none can lead', state: { listed: { pg2: null, pg3: null } }, chosen: '' },
  ])('falls on $title', ({ state, to, chosen }) =>
    expect(switchover.choose?.(seen(state, to))).toMatchObject({ to: chosen, leader: 'pg1' }),
  );

  it('remembers which members did not stream before', () => {
    const chosen = (state: Seen): readonly string[] | undefined => switchover.choose?.(seen(state, 'pg2')).without;
    expect(chosen({})).toEqual([]);
    expect(chosen({ listed: { pg3: { state: 'start failed' } } })).toEqual(['pg3']);
    expect(chosen({ off: ['pg3'] })).toEqual(['pg3']);
    expect(chosen({ listed: { pg3: null } })).toEqual(['pg3']);
  });
});

describe('the steps of a switchover', () => {
  it('hand the lead over, and wait until all members follow', () => {
    expect(steps(seen({}, 'pg2'))).toEqual(['hand the lead from pg1 to pg2 @pg1', 'wait until pg1 and pg3 stream from pg2 @pg2']);
  });

  it('mention settings that wait for a restart of the leader', () => {
    const [first] = switchover.remaining(seen({ own: { pg1: { pendingRestart: true } } }, 'pg2')).steps;
    expect(first?.effect).toContain('pg1 restarts with its pending settings');
  });

  it('include only what is left', () => {
    expect(steps(seen({ leader: 'pg2', listed: { pg1: { state: 'starting' } } }, 'pg2'))).toEqual(['wait until pg1 streams from pg2 @pg2']);
    expect(steps(seen({ leader: 'pg2' }, 'pg2'))).toEqual([]);
    expect(steps(seen({ leader: 'pg2', listed: { pg1: { state: 'starting' } } }, 'pg2', ['hand-over', 'follow']))).toEqual([]);
  });

  it('do not wait for a member that was down before, and say so', () => {
    const down: Seen = { listed: { pg3: { state: 'stopped' } } };
    const chosen: Options = { to: 'pg2', leader: 'pg1', without: ['pg3'] };
    expect(steps(seen(down, chosen))).toEqual(['hand the lead from pg1 to pg2 @pg1', 'wait until pg1 streams from pg2 @pg2']);
    expect(switchover.remaining(seen(down, chosen)).then).toBe('nothing waits for pg3, which did not stream before: pg3 is "stopped"');
    expect(steps(seen({ ...down, leader: 'pg2' }, chosen))).toEqual([]);
    const after = (state: Seen): string[] =>
      (switchover.checks?.(seen({ leader: 'pg2', ...state }, chosen)) ?? []).map(
        ({ host, ok, detail }) => `${host ?? 'cluster'} ${ok} ${detail}`,
      );
    expect(after(down)).toEqual(['cluster true pg2, timeline 4', 'pg1 true streaming, timeline 4', 'pg3 true it is "stopped"']);
    expect(after({ off: ['pg3'] }).at(-1)).toBe('pg3 true it cannot be reached');
    expect(after({}).at(-1)).toBe('pg3 true it streams now');
    expect(switchover.finished?.(seen({ leader: 'pg2', ...down }, chosen))).toBe(
      'pg2 leads. As before, not every member streams: pg3 is "stopped"',
    );
    expect(switchover.nothing?.(seen({ leader: 'pg2', ...down }, 'pg2'))).toBe('pg2 leads already; pg3 is "stopped"');
  });

  it('wait for a leader instead of refusing when the connection was lost', () => {
    const refused = (options: Options): unknown => switchover.guards?.(seen({ own: { pg1: null } }, options))[0]?.settles;
    expect([refused({ to: 'pg2' }), refused({ to: 'pg2', leader: 'pg1', without: [] })]).toEqual([undefined, true]);
  });

  it('are proved on the new timeline', () => {
    const checks = switchover.checks?.(seen({ leader: 'pg2', listed: { pg3: { timeline: 3 } } }, 'pg2')) ?? [];
    expect(checks.map(({ host, ok, detail }) => `${host ?? 'cluster'} ${ok} ${detail}`)).toEqual([
      'cluster true pg2, timeline 4',
      'pg1 true streaming, timeline 4',
      'pg3 false streaming, timeline 3',
    ]);
  });
});

describe('a scheduled switchover', () => {
  const at: Options = { at: AT, leader: 'pg1' };
  const scheduled = (to?: string, moment = AT): Seen => ({
    own: { pg1: { scheduled: { at: moment, from: 'pg1', ...(to === undefined ? {} : { to }) } } },
  });
  const refusal = (state: Seen, options: Options, done: string[] = []): string | undefined =>
    switchover.guards?.(seen(state, options, done))[0]?.message;

  it('is stored as a moment, so that it stays the same when the command is given again', () => {
    const chosen = (given: string): string | undefined => switchover.choose?.(seen({}, { at: given })).at;
    expect(chosen('2099-01-01T01:00+01:00')).toBe('2099-01-01T01:00:00+01:00');
    expect(Date.parse(chosen('+2h') ?? '')).toBeGreaterThan(Date.now() + 7_100_000);
    expect(switchover.choose?.(seen({}, { at: '+2h', to: 'pg3' }))).toMatchObject({ to: 'pg3', leader: 'pg1' });
  });

  it('is one step, shows the time in UTC, and is done when Patroni shows it', () => {
    expect(steps(seen({}, { ...at, at: '2099-01-01T01:00:00+01:00', to: 'pg3' }))).toEqual([
      'have Patroni hand the lead from pg1 to pg3 at 2099-01-01 00:00:00 UTC @pg1',
    ]);
    expect(steps(seen({}, at))).toEqual(['have Patroni hand the lead from pg1 to the best standby at 2099-01-01 00:00:00 UTC @pg1']);
    expect(steps(seen(scheduled('pg3', '2099-01-01T01:00:00+01:00'), { ...at, to: 'pg3' }))).toEqual([]);
    expect(switchover.checks?.(seen(scheduled(), at))).toEqual([
      { title: 'the switchover is scheduled', ok: true, detail: `Patroni shows it to the best standby at ${AT}` },
    ]);
    expect(switchover.checks?.(seen({}, at))[0]?.ok).toBe(false);
  });

  it('leaves nothing to do when it was carried out meanwhile', () => {
    const run = seen({ leader: 'pg3' }, { ...at, to: 'pg3' });
    expect([steps(run), switchover.guards?.(run)]).toEqual([[], []]);
    expect(switchover.nothing?.(run)).toBe('nothing is left to schedule: none; pg3 has the lead of pg1');
  });

  it('refuses with a sentence', () => {
    expect(refusal({}, at)).toBeUndefined();
    expect(refusal(scheduled('pg3'), at)).toBe(`a switchover to pg3 is scheduled for ${AT} (2099-01-01 00:00:00 UTC)`);
    expect(refusal(scheduled(undefined, '2098-01-01T00:00:00+00:00'), at)).toContain(
      'a switchover to the best standby is scheduled for 2098',
    );
    expect(refusal({ config: { pause: true } }, at)).toContain('maintenance mode');
    expect(refusal({}, { ...at, to: 'pg1' })).toBe('pg1 leads already');
    expect(refusal({ listed: { pg2: { state: 'stopped' } } }, { ...at, to: 'pg2' })).toContain('pg2 cannot take the lead');
    expect(refusal({ own: { pg1: null } }, { at: AT })).toContain('no leader that could hand the lead over');
    expect(refusal({}, { ...at, at: '2020-01-01T00:00:00+00:00' })).toBe(
      '2020-01-01 00:00:00 UTC has passed, and nothing was scheduled for it',
    );
    expect(refusal({}, { ...at, at: '2020-01-01T00:00:00+00:00' }, ['schedule'])).toBeUndefined();
  });

  it('is refused before any connection when the time is invalid, or conflicts with other options', () => {
    const problem = (options: Options): string | undefined => switchover.problems?.(seen({}, options))[0]?.message;
    expect(problem({ at: '2026-02-30T10:00Z' })).toBe('--at 2026-02-30T10:00Z is no time that there is');
    expect(problem({ cancel: true, to: 'pg2' })).toContain('--cancel takes back what is scheduled');
    expect(problem({ to: 'pg9' })).toBe('there is no member "pg9"');
    expect(switchover.problems?.(seen({}, { to: 'pg22', at: '+30m' }))).toEqual([
      {
        kind: 'input',
        error: 'aim/unknown-member',
        message: 'there is no member "pg22"',
        hint: 'did you mean pg2? the members are pg1, pg2, pg3',
      },
    ]);
    expect([problem({ at: '+30m' }), problem({ cancel: true })]).toEqual([undefined, undefined]);
  });

  it('is cancelled through any member that answers', () => {
    const cancel: Options = { cancel: true };
    const other: Seen = { own: { pg1: null, pg2: { scheduled: { at: AT, to: 'pg3' } } } };
    expect(steps(seen(other, cancel))).toEqual(['cancel the switchover to pg3 that is scheduled for 2099-01-01 00:00:00 UTC @pg2']);
    expect(steps(seen({}, cancel))).toEqual([]);
    expect(switchover.nothing?.(seen({}, cancel))).toBe('no switchover is scheduled');
    expect(switchover.checks?.(seen(other, cancel))[0]?.ok).toBe(false);
    expect(refusal({ own: { pg1: null, pg2: null, pg3: null } }, cancel)).toContain('no member’s Patroni answers');
    expect(refusal({ config: { pause: true } }, cancel)).toBeUndefined();
  });
});
