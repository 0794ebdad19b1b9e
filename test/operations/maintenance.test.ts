import { describe, expect, it } from 'vitest';
import pause from '../../src/operations/pause.js';
import resume from '../../src/operations/resume.js';
import type { Operation } from '../../src/plan/operation.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);
const PAUSED = { config: { pause: true } };
const seenBy = (...hosts: string[]): NonNullable<Made<object>['registered']> =>
  Object.fromEntries(hosts.map((host) => [host, { paused: true as const }]));
const ALL = seenBy('pg1', 'pg2', 'pg3');

const steps = (operation: Operation, made: Made<object>): string[] =>
  operation.remaining(madeUp(inventory, made)).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);
const objections = (operation: Operation, made: Made<object>): string[] =>
  (operation.guards?.(madeUp(inventory, made)) ?? []).map(({ message, settles }) => `${message}${settles === true ? ' …' : ''}`);

describe('pgprov pause', () => {
  it('asks the leader, or any member that answers', () => {
    expect(steps(pause, {})).toEqual(['put demo into maintenance mode @pg1']);
    expect(steps(pause, { own: { pg1: null } })).toEqual(['put demo into maintenance mode @pg2']);
  });

  it('has nothing to do when the DCS has it already', () => {
    expect(steps(pause, PAUSED)).toEqual([]);
    expect(pause.nothing?.(madeUp(inventory, PAUSED))).toContain('is in maintenance mode already');
  });

  it('waits until Patroni on every member has noticed', () => {
    expect(objections(pause, { ...PAUSED, registered: seenBy('pg1') })).toEqual([
      'Patroni on pg2 and pg3 has not seen yet that maintenance mode began …',
    ]);
    expect(objections(pause, { ...PAUSED, registered: ALL })).toEqual([]);
    expect(objections(pause, {})).toEqual([]);
    expect(pause.checks?.(madeUp(inventory, { ...PAUSED, registered: seenBy('pg1', 'pg2') }))).toMatchObject([
      { ok: false, detail: 'not on pg3' },
    ]);
    expect(pause.checks?.(madeUp(inventory, { ...PAUSED, registered: ALL }))).toMatchObject([{ ok: true }]);
  });

  it('is refused where Patroni runs nowhere', () => {
    expect(objections(pause, { stopped: ['pg1', 'pg2', 'pg3'] })).toEqual([
      'Patroni answers on no member, so there is nothing that maintenance mode could hold back',
    ]);
  });

  it('names the members that notice it later', () => {
    const run = madeUp(inventory, { ...PAUSED, registered: ALL, away: ['pg3'] });
    expect(pause.finished?.(run)).toContain('Patroni on pg3 does not answer, and sees it when it is back');
  });
});

describe('pgprov resume', () => {
  const effect = (made: Made<object>): string | undefined =>
    resume.remaining(madeUp(inventory, { ...PAUSED, registered: ALL, ...made })).steps[0]?.effect;

  it.each<{ title: string; made: Made<object>; says: string }>([
    { title: 'all is well', made: {}, says: 'Patroni acts again: pg1 stays the leader' },
    {
      title: 'a standby was stopped',
      made: { own: { pg3: { state: 'stopped' } }, data: { pg3: { running: false } } },
      says: 'Patroni acts again: pg1 stays the leader; Patroni starts PostgreSQL on pg3, as a standby of who leads then',
    },
    {
      title: 'the leader was stopped',
      made: { leader: null, own: { pg1: { state: 'stopped' } }, data: { pg1: { running: false } } },
      says: 'Patroni acts again: nobody leads, so Patroni makes one of pg2 and pg3 the leader on a new timeline at once; Patroni starts PostgreSQL on pg1, as a standby of who leads then',
    },
    {
      title: 'the leader was stopped, and its key has not gone yet',
      made: { own: { pg1: { state: 'stopped' } }, data: { pg1: { running: false } } },
      says: 'Patroni acts again: PostgreSQL of the leader pg1 is down, so Patroni makes one of pg2 and pg3 the leader on a new timeline at once; Patroni starts PostgreSQL on pg1, as a standby of who leads then',
    },
    {
      title: 'all were stopped',
      made: {
        leader: null,
        own: { pg1: { state: 'stopped' }, pg2: { state: 'stopped' }, pg3: { state: 'stopped' } },
        data: { pg1: { running: false }, pg2: { running: false }, pg3: { running: false } },
      },
      says: 'Patroni acts again: nobody leads, and Patroni starts PostgreSQL and elects a leader among those that come up; Patroni starts PostgreSQL on pg1, pg2 and pg3',
    },
  ])('says what Patroni will do when $title', ({ made, says }) => expect(effect(made)).toBe(says));

  it('is refused when a second server accepts writes', () => {
    expect(objections(resume, { ...PAUSED, registered: ALL, own: { pg2: { role: 'leader' } } })).toEqual([
      'PostgreSQL is a primary on pg1 and pg2: without maintenance mode Patroni would make pg2 a standby again, and what only that one has would be lost',
    ]);
  });

  it.each<{ title: string; made: Made<object> }>([
    { title: 'takes it for stopped', made: { leader: null, own: { pg1: { state: 'stopped', role: 'replica' } } } },
    { title: 'is down', made: { leader: null, stopped: ['pg1'] } },
  ])('is refused when a primary runs and its Patroni $title', ({ made }) => {
    const scene = { ...PAUSED, registered: ALL, ...made, data: { pg1: { running: true, clusterState: 'in production' } } };
    expect(objections(resume, scene)).toEqual([
      'PostgreSQL on pg1 runs as a primary, and Patroni there does not know it: without maintenance mode Patroni would make another member a primary beside it',
    ]);
  });

  it('writes to the DCS when Patroni runs nowhere', () => {
    expect(steps(resume, { ...PAUSED, stopped: ['pg1', 'pg2', 'pg3'] })).toEqual(['end the maintenance mode of demo @pg1']);
    expect(objections(resume, { ...PAUSED, stopped: ['pg1', 'pg2', 'pg3'] })).toEqual([]);
  });

  it('is refused when nobody knows the state', () => {
    expect(objections(resume, { registered: null, stopped: ['pg1', 'pg2', 'pg3'] })).toEqual([
      'neither etcd nor Patroni on any member says whether the cluster is in maintenance mode',
    ]);
  });

  it('waits until Patroni on every member has noticed', () => {
    expect(objections(resume, { registered: seenBy('pg2') })).toEqual(['Patroni on pg2 has not seen yet that maintenance mode is over …']);
    expect(resume.nothing?.(madeUp(inventory, {}))).toBe('demo is not in maintenance mode');
  });
});
