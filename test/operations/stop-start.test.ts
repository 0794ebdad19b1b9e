import { describe, expect, it } from 'vitest';
import failover from '../../src/operations/failover.js';
import pause from '../../src/operations/pause.js';
import rebuild from '../../src/operations/rebuild.js';
import restart from '../../src/operations/restart.js';
import start from '../../src/operations/start.js';
import stop from '../../src/operations/stop.js';
import switchover from '../../src/operations/switchover.js';
import type { Operation } from '../../src/plan/operation.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);
const ALL = ['pg1', 'pg2', 'pg3'];
const SYNC = { config: { synchronous_mode: true } };

const steps = (operation: Operation, made: Made<object>): string[] =>
  operation.remaining(madeUp(inventory, made)).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);
const objection = (operation: Operation, made: Made<object>): string | undefined =>
  operation.guards?.(madeUp(inventory, made))[0]?.message.split('\n')[0];
const hint = (operation: Operation, made: Made<object>): string | undefined => operation.guards?.(madeUp(inventory, made))[0]?.hint;

describe('an operation that is refused because of a member', () => {
  const settles = (operation: Operation, made: Made<object>): unknown => operation.guards?.(madeUp(inventory, made))[0]?.settles;
  const starting = { own: { pg3: { state: 'starting' } }, listed: { pg3: { state: 'starting' } } };
  const failed = { own: { pg3: { state: 'start failed' } }, listed: { pg3: { state: 'start failed' } }, data: { pg3: { running: false } } };
  const moves = (clause: string): unknown => ({ moves: new Map([['pg3', clause]]) });
  const STARTS = 'PostgreSQL on pg3 runs and takes no connections yet (Patroni calls it “starting”)';
  const to = (made: Made<object>): Made<object> => ({ ...made, options: { to: 'pg3' } });

  it('waits for one that starts, and not for one that has failed to', () => {
    for (const operation of [restart, switchover] as unknown as Operation[]) {
      expect(settles(operation, to(starting))).toMatchObject(moves(STARTS) as object);
      expect(settles(operation, to(failed))).toBeUndefined();
    }
    expect(settles(stop, { ...SYNC, ...starting, chosenHosts: ['pg2'] })).toMatchObject(moves(STARTS) as object);
    expect(settles(stop, { ...SYNC, ...failed, chosenHosts: ['pg2'] })).toBeUndefined();
  });

  it('waits for what the leader lists of a standby that streams to be as new as what the leader says of itself', () => {
    const before = { listed: { pg3: { timeline: 3 } } };
    const LISTED = 'Patroni lists pg3 on timeline 3 yet, and pg1 leads on 4';
    expect(settles(switchover as unknown as Operation, to(before))).toMatchObject(moves(LISTED) as object);
    const apart = { own: { pg1: { replication: [] } } };
    expect(settles(switchover as unknown as Operation, to({ ...before, ...apart }))).toMatchObject(
      moves('PostgreSQL on pg3 does not stream from pg1 yet') as object,
    );
    const CHOOSES = 'Patroni has not chosen a synchronous standby yet';
    expect(settles(switchover as unknown as Operation, to(SYNC))).toMatchObject(moves(CHOOSES) as object);
    const chosen = { ...SYNC, listed: { pg2: { role: 'sync_standby' } } };
    expect(settles(switchover as unknown as Operation, to(chosen))).toBeUndefined();
  });

  it('waits for a leader while one may be elected, and for a Patroni that was just started', () => {
    const elects = { within: 40, moves: new Map([['', 'Patroni elects a leader']]) };
    for (const operation of [restart, switchover, rebuild] as unknown as Operation[])
      expect(settles(operation, { leader: null, options: { member: 'pg3' } })).toMatchObject(elects);
    const silent = { own: { pg1: null, pg2: null, pg3: null } };
    expect(settles(pause as Operation, silent)).toMatchObject({ within: 60 });
    expect(settles(failover as unknown as Operation, { ...silent, options: { former: '' } })).toMatchObject({ within: 60 });
    expect(settles(pause as Operation, { stopped: ALL })).toBeUndefined();
  });
});

describe('pgprov stop', () => {
  it.each<{ title: string; made: Made<object>; left: string[] }>([
    {
      title: 'the standbys, and then the leader, whoever that is',
      made: { leader: 'pg2' },
      left: ['stop Patroni and PostgreSQL on pg1 and pg3 @pg1,pg3', 'stop Patroni and PostgreSQL on pg2, the leader @pg2'],
    },
    {
      title: 'only the leader',
      made: { stopped: ['pg2', 'pg3'], disabled: ['pg2', 'pg3'] },
      left: ['stop Patroni and PostgreSQL on pg1, the leader @pg1'],
    },
    { title: 'a selected member', made: { chosenHosts: ['pg3'] }, left: ['stop Patroni and PostgreSQL on pg3 @pg3'] },
    {
      title: 'all members when none leads',
      made: { leader: null },
      left: ['stop Patroni and PostgreSQL on pg1, pg2 and pg3 @pg1,pg2,pg3'],
    },
    {
      title: 'a server without its Patroni',
      made: { stopped: ALL, disabled: ALL, leader: null, data: { pg2: { running: true } } },
      left: ['stop Patroni and PostgreSQL on pg2 @pg2'],
    },
    { title: 'nothing that is already down', made: { stopped: ALL, disabled: ALL, leader: null }, left: [] },
    {
      title: 'a member that is down and would start at boot, when all are to be down',
      made: { stopped: ['pg2', 'pg3'], disabled: ['pg3'] },
      left: ['stop Patroni and PostgreSQL on pg2 @pg2', 'stop Patroni and PostgreSQL on pg1, the leader @pg1'],
    },
    { title: 'no member that is down next to a running leader', made: { stopped: ['pg2'], chosenHosts: ['pg2'] }, left: [] },
  ])('stops $title', ({ made, left }) => expect(steps(stop, made)).toEqual(left));

  it('names the members that may lack commits', () => {
    const [first] = stop.remaining(madeUp(inventory, { listed: { pg3: { state: 'starting' } } })).steps;
    expect(first?.effect).toBe('connections to them are cut; pg1 serves on; pg3 does not stream and may lack commits of pg1');
  });

  it.each<{ title: string; made: Made<object>; says: string | undefined }>([
    { title: 'all members', made: {}, says: undefined },
    { title: 'all members by their names', made: { chosenHosts: ALL }, says: undefined },
    { title: 'a standby', made: { chosenHosts: ['pg2'] }, says: undefined },
    { title: 'nothing', made: { stopped: ALL, config: { pause: true } }, says: undefined },
    {
      title: 'only the leader',
      made: { chosenHosts: ['pg1'] },
      says: 'pg1 leads, and pg2 and pg3 would stay up: one of them would take over',
    },
    { title: 'the last running member', made: { chosenHosts: ['pg1'], stopped: ['pg2', 'pg3'] }, says: undefined },
    {
      title: 'all members, one of them out of reach',
      made: { away: ['pg3'] },
      says: 'pg3 cannot be reached, so nobody knows what runs there, and it cannot be stopped',
    },
    {
      title: 'all members, one out of reach and the others down',
      made: { away: ['pg1'], stopped: ['pg2', 'pg3'], leader: null },
      says: 'pg1 cannot be reached, so nobody knows what runs there, and it cannot be stopped',
    },
    {
      title: 'all reachable members while another host is off',
      made: { away: ['pg3'], chosenHosts: ['pg1', 'pg2'] },
      says: undefined,
    },
    {
      title: 'too many members for etcd',
      made: { chosenHosts: ['pg2', 'pg3'] },
      says: 'were pg2 and pg3 taken down for maintenance, 1 of 3 members of etcd would be left, and a quorum needs 2',
    },
    {
      title: 'one member while another etcd member is down',
      made: { chosenHosts: ['pg2'], etcdDown: ['pg3'] },
      says: 'were pg2 taken down for maintenance, 1 of 3 members of etcd would be left, and a quorum needs 2',
    },
    {
      title: 'the last synchronous standby',
      made: { ...SYNC, chosenHosts: ['pg2', 'pg3'] },
      says: 'with synchronous_mode pg1 needs a standby that streams, and without pg2 and pg3 there is none',
    },
    { title: 'one synchronous standby of two', made: { ...SYNC, chosenHosts: ['pg2'] }, says: undefined },
    {
      title: 'a member in maintenance mode',
      made: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves PostgreSQL running when it is stopped itself',
    },
  ])('decides about a stop of $title', ({ made, says }) => expect(objection(stop, made)).toBe(says));

  it('does not stop the leader when a member that does not answer may take over', () => {
    const run = madeUp(inventory, { away: ['pg3'] });
    const store = { reachable: true, initialize: '7', leader: 'pg1', members: ALL.map((name) => ({ name })), config: {} };
    const more = { pg1: new Map<string, unknown>([['dcs', store]]), pg2: new Map<string, unknown>([['dcs', store]]) };
    expect(run.view.surveyed('pg3')).toBe(false);
    expect(objection(stop, { away: ['pg3'], chosenHosts: ['pg1', 'pg2'], more })).toBe(
      'pg1 leads, and pg3 would stay up: it would take over',
    );
  });

  it('requires no proof of a host that cannot be reached', () => {
    const checks = stop.checks?.(madeUp(inventory, { stopped: ['pg2', 'pg3'], away: ['pg1'], leader: null })) ?? [];
    expect(checks.map(({ host, ok, detail }) => `${host} ${ok} ${detail}`)[0]).toBe(
      'pg1 false it cannot be reached, so nobody knows whether it runs',
    );
  });

  it('is done where a member had crashed before, and is not where one ended so by it', () => {
    const crashed = { stopped: ALL, leader: null, data: { pg3: { clusterState: 'in archive recovery' } } };
    const proved = (up: string[]): string[] =>
      (stop.checks?.(madeUp(inventory, { ...crashed, options: { up } })) ?? []).map(({ host, ok, title }) => `${host} ${ok} ${title}`);
    expect(proved(['pg1', 'pg2'])[2]).toBe('pg3 true it was down before');
    expect(proved(ALL)[2]).toBe('pg3 false PostgreSQL ended cleanly');
  });

  it('says what starts at boot', () => {
    const said = (made: Made<object>): string => stop.finished?.(madeUp(inventory, made)) ?? '';
    expect(said({ stopped: ALL, disabled: ALL, leader: null })).toMatch(/They stay down when their hosts boot$/u);
    expect(said({ stopped: ['pg2'], chosenHosts: ['pg2'] })).toContain('Their units stay enabled, so a reboot starts them as well');
    expect(said({ stopped: ['pg1', 'pg2'], disabled: ['pg1', 'pg2'], away: ['pg3'], leader: null, chosenHosts: ['pg1', 'pg2'] })).toContain(
      'This does not hold for pg3, which may then take the lead without the last commits',
    );
  });

  it('names the switchover that has to come first', () => {
    expect(hint(stop, { chosenHosts: ['pg1'] })).toContain(`pgprov switchover ${inventory.file} --to pg2`);
  });

  it('is proved by pg_controldata', () => {
    const checks = stop.checks?.(madeUp(inventory, { stopped: ALL, leader: null, data: { pg3: { clusterState: 'in production' } } })) ?? [];
    expect(checks.map(({ host, ok, detail }) => `${host} ${ok} ${detail}`)).toEqual([
      'pg1 true shut down, timeline 4, last WAL record at 0/5000028',
      'pg2 true shut down in recovery, timeline 4, last WAL record at 0/5000028',
      'pg3 false in production, timeline 4, last WAL record at 0/5000028',
    ]);
  });
});

describe('pgprov start', () => {
  const down: Made<object> = { stopped: ALL, leader: null };

  it('allows only starts when no member leads', () => {
    const [step, ...others] = start.remaining(madeUp(inventory, down)).steps;
    expect(step).toMatchObject({ id: 'start', converge: { roles: ['etcd', 'patroni'] } });
    expect(others).toEqual([]);
  });

  it('says what it starts, and what already runs', () => {
    const { steps: [step] = [], then } = start.remaining(madeUp(inventory, { stopped: ['pg3'] }));
    expect(step).toMatchObject({ title: 'start Patroni on pg3', changes: ['pg3'] });
    expect(then).toBe('pg1 and pg2 run already');
    expect(start.remaining(madeUp(inventory, down)).then).toBeUndefined();
  });

  it('waits for members that do not stream yet', () => {
    expect(steps(start, { listed: { pg3: { state: 'starting' } } })).toEqual(['wait until pg3 streams from pg1 @pg1']);
    expect(steps(start, {})).toEqual([]);
  });

  it('starts selected members next to a running leader', () => {
    expect(steps(start, { stopped: ['pg2', 'pg3'], chosenHosts: ['pg3'] })).toEqual([
      'start Patroni on pg3 @pg3',
      'wait until pg3 streams from pg1 @pg1',
    ]);
    expect(objection(start, { stopped: ['pg2', 'pg3'], chosenHosts: ['pg3'] })).toBeUndefined();
  });

  it.each<{ title: string; made: Made<object>; says: string | undefined }>([
    { title: 'all members are down', made: down, says: undefined },
    {
      title: 'some members are selected and none leads',
      made: { ...down, chosenHosts: ['pg2'] },
      says: 'nobody leads, and a member that is left out may have the last commits',
    },
    {
      title: 'a host is out of reach and no member leads',
      made: { ...down, away: ['pg1'] },
      says: 'nobody leads, and pg1, which cannot be reached, may have the last commits',
    },
    { title: 'a host is out of reach and another member leads', made: { stopped: ['pg2'], away: ['pg3'] }, says: undefined },
    {
      title: 'the cluster is in maintenance mode',
      made: { ...down, config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down (pg1, pg2 and pg3)',
    },
    {
      title: 'the data is another database’s',
      made: { stopped: ['pg3'], chosenHosts: ['pg3'], data: { pg3: { systemIdentifier: '8' } } },
      says: 'pg3 holds a cluster with system identifier 8, but etcd knows demo as 7',
    },
  ])('decides when $title', ({ made, says }) => expect(objection(start, made)).toBe(says));

  it('says how to continue without an unreachable host', () => {
    expect(hint(start, { ...down, away: ['pg1'] })).toMatch(/To go on without what only pg1 may have: .*pgprov recover .* --without pg1/u);
  });

  it('makes no other changes', () => {
    const change = { host: 'pg1', stage: 'patroni/start', resource: 'service:patroni', summary: 'x', projected: false };
    expect(objection(start, { ...down, planned: [{ ...change, action: 'start' }] })).toBeUndefined();
    expect(
      objection(start, {
        ...down,
        planned: [
          { ...change, action: 'start' },
          { ...change, action: 'update' },
        ],
      }),
    ).toBe('more is to be changed than to start what is down:');
  });

  it('is proved by the members that stream', () => {
    expect(start.checks?.(madeUp(inventory, { listed: { pg3: { timeline: 3 } } }))).toMatchObject([
      { ok: true, detail: 'pg1, timeline 4' },
      { host: 'pg2', ok: true },
      { host: 'pg3', ok: false, detail: 'streaming, timeline 3' },
    ]);
  });
});
