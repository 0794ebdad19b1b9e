import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import patroni from '../../../roles/patroni.js';
import type { Objection, UnitGuard, UnitMove } from '../../../src/plan/role.js';
import { View } from '../../../src/plan/view.js';
import { DATA_DIRECTORY } from '../../../src/resources/data-directory.js';
import { DCS } from '../../../src/resources/dcs.js';
import { POSTMASTER_DELAY } from '../../../src/resources/postmaster-delay.js';
import { PATRONI_MEMBER, type ClusterMember, type PatroniMemberState } from '../../../src/resources/patroni/member.js';
import { SEED } from '../../support/depth.js';
import { contextOf, inventoryOf, THREE } from '../../support/inventory.js';

const inventory = await inventoryOf(THREE);
const NAMES = ['pg1', 'pg2', 'pg3'];

/** What Patroni says where pg1 leads; states of members by name, others are not listed. */
function answer(name: string, states: Record<string, string>, streaming: readonly string[], listsLeader = true): PatroniMemberState {
  const cluster = Object.entries(states).map(
    ([member, state]): ClusterMember => ({
      name: member,
      role: member === 'pg1' && listsLeader ? 'leader' : 'replica',
      state,
      timeline: 1,
      lag: 0,
      pendingRestart: false,
    }),
  );
  return {
    answers: true,
    state: 'running',
    role: name === 'pg1' ? 'leader' : 'replica',
    scope: 'demo',
    version: '4.0.7',
    systemIdentifier: '7',
    timeline: 1,
    serverVersion: 170006,
    postmasterStart: undefined,
    pendingRestart: false,
    replication: name === 'pg1' ? streaming.map((application) => ({ application, state: 'streaming', syncState: 'async' })) : [],
    cluster,
  };
}

function objection(
  seen: Record<string, PatroniMemberState>,
  host: string,
  action: UnitMove['action'] = 'restart',
  before: readonly string[] = [],
): Objection | undefined {
  const view = new View(inventory, new Map(Object.entries(seen).map(([name, state]) => [name, new Map([[PATRONI_MEMBER.id, state]])])));
  const stage = patroni.stages(contextOf(inventory, host)).find(({ name }) => name === 'start');
  return (stage?.unitGuard as UnitGuard).objection(view, { host, action, before: new Set(before) });
}

const good = { pg1: 'running', pg2: 'streaming', pg3: 'streaming' };
const says = (
  states: Record<string, string>,
  streaming: readonly string[] = ['pg2', 'pg3'],
  among: readonly string[] = NAMES,
): Record<string, PatroniMemberState> => Object.fromEntries(among.map((name) => [name, answer(name, states, streaming)]));
const second = (what: string): string => `pg2: ${what}: a restart here would take down a second member of the cluster`;

describe('a restart of a member of Patroni', () => {
  it.each<{ title: string; seen: Record<string, PatroniMemberState>; before?: string[]; message?: string }>([
    { title: 'all members work', seen: says(good) },
    {
      title: 'the other standby is being rebuilt',
      seen: says({ ...good, pg3: 'creating replica' }, ['pg2']),
      message: second('pg3 is creating replica'),
    },
    { title: 'the other standby does not stream', seen: says(good, ['pg2']), message: second('pg3 does not stream') },
    {
      title: 'the other standby is gone from the list',
      seen: says({ pg1: 'running', pg2: 'streaming' }, ['pg2'], ['pg1', 'pg2']),
      message: second('pg3 is not among Patroni’s members'),
    },
    { title: 'the other standby is started earlier', seen: says({ pg1: 'running', pg2: 'streaming' }, ['pg2']), before: ['pg3'] },
    {
      title: 'the leader has failed',
      seen: says({ ...good, pg1: 'start failed' }, [], ['pg2', 'pg3']),
      message: second('pg1 is start failed'),
    },
    { title: 'it is down itself', seen: says({ ...good, pg2: 'start failed', pg3: 'stopped' }, []) },
    { title: 'no member answers', seen: { pg2: { answers: false } } },
    {
      title: 'the run leaves out the others',
      seen: says({ ...good, pg3: 'stopped' }, ['pg2'], ['pg2']),
      message: second('pg3 is stopped'),
    },
  ])('is decided when $title', ({ seen, before, message }) => expect(objection(seen, 'pg2', 'restart', before)?.message).toBe(message));

  it('differs from a start', () => expect(objection(says({ ...good, pg3: 'creating replica' }), 'pg2', 'start')).toBeUndefined());

  it(`never leaves two members down that worked (seed ${SEED})`, () => {
    const state = fc.constantFrom('running', 'streaming', 'creating replica', 'starting', 'stopped', 'start failed', 'crashed');
    const states = fc.record({ pg1: state, pg2: state, pg3: state });
    fc.assert(
      fc.property(states, fc.constantFrom(...NAMES), fc.subarray(NAMES, { minLength: 1 }), (all, host, among) => {
        const works = (name: string): boolean => ['running', 'streaming'].includes(all[name as keyof typeof all]);
        const found = objection(says(all, NAMES, among), host);
        if (works(host)) expect(found === undefined).toBe(NAMES.every((name) => name === host || works(name)));
        else expect(found).toBeUndefined();
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('a member whose postmaster started slowly', () => {
  const objectionTo = (action: UnitMove['action'], delay: number | undefined, config: Record<string, unknown>): Objection | undefined => {
    const states = new Map<string, unknown>([
      [DCS.id, { reachable: true, initialize: '7', leader: 'pg1', members: [], config }],
      [DATA_DIRECTORY.id, { kind: 'cluster', running: true }],
      [POSTMASTER_DELAY.id, delay],
      [PATRONI_MEMBER.id, answer('pg2', good, ['pg2', 'pg3'])],
    ]);
    const { unitGuard } = patroni.stages(contextOf(inventory, 'pg2')).find(({ name }) => name === 'start') ?? {};
    // The guard reads what it has asked for alone.
    expect(unitGuard?.asks.map(({ id }) => id)).toContain(POSTMASTER_DELAY.id);
    return unitGuard?.objection(new View(inventory, new Map([['pg2', states]])), { host: 'pg2', action, before: new Set() });
  };

  it('keeps apply from restarting its Patroni in maintenance mode', () => {
    expect(objectionTo('restart', -4.2, { pause: true })).toEqual({
      kind: 'refuse',
      host: 'pg2',
      message:
        'pg2: PostgreSQL’s process and its postmaster.pid have start times that are 4 s apart: a restarted Patroni would take it for stopped',
      hint: `end maintenance mode with \`pgprov resume ${inventory.file}\`; a restart of Patroni then restarts PostgreSQL as well`,
    });
  });

  it.each<{ title: string; action: UnitMove['action']; delay: number | undefined; config: Record<string, unknown> }>([
    { title: 'Patroni is not in maintenance mode', action: 'restart', delay: -4.2, config: {} },
    { title: 'it would know its postmaster', action: 'restart', delay: 2.9, config: { pause: true } },
    { title: 'no server runs', action: 'restart', delay: undefined, config: { pause: true } },
    { title: 'Patroni is only started', action: 'start', delay: 9, config: { pause: true } },
  ])('is no matter where $title', ({ action, delay, config }) => expect(objectionTo(action, delay, config)).toBeUndefined());
});

describe('a member whose PostgreSQL is down', () => {
  const objectionTo = (action: UnitMove['action'], config: Record<string, unknown>, data: object): Objection | undefined => {
    const states = new Map<string, unknown>([
      [DCS.id, { reachable: true, initialize: '7', leader: 'pg1', members: [], config }],
      [DATA_DIRECTORY.id, data],
    ]);
    const stage = patroni.stages(contextOf(inventory, 'pg2')).find(({ name }) => name === 'start');
    const view = new View(inventory, new Map([['pg2', states]]));
    return (stage?.unitGuard as UnitGuard).objection(view, { host: 'pg2', action, before: new Set() });
  };

  it.each(['start', 'restart'] as const)('is not waited for in maintenance mode (%s)', (action) => {
    expect(objectionTo(action, { pause: true }, { kind: 'cluster', running: false })).toMatchObject({
      kind: 'refuse',
      host: 'pg2',
      message: 'pg2: PostgreSQL is down, and Patroni does not start it in maintenance mode',
      hint: `end it with \`pgprov resume ${inventory.file}\`, then run this again`,
    });
  });

  it.each([
    { title: 'Patroni may start it', config: {}, data: { kind: 'cluster', running: false } },
    { title: 'it runs', config: { pause: true }, data: { kind: 'cluster', running: true } },
    { title: 'it is not made yet', config: { pause: true }, data: { kind: 'empty' } },
  ])('is no obstacle when $title', ({ config, data }) => {
    expect(objectionTo('start', config, data)).toBeUndefined();
  });
});
