import { describe, expect, it } from 'vitest';
import restart from '../../src/operations/restart.js';
import switchover from '../../src/operations/switchover.js';
import update from '../../src/operations/update.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { POOLER, type PoolerState } from '../../src/resources/pgbouncer/pooler.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const POOLS =
  'cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni, haproxy, pgbouncer]\nhosts: {pg1: 10.0.0.1, pg2: 10.0.0.2, pg3: 10.0.0.3}\n' +
  'postgresql: {hba: [host all all 10.0.0.0/24 scram-sha-256]}\n';
const inventory = await inventoryOf(POOLS);
const STATE: PoolerState = { answers: true, settings: new Map(), pools: [], paused: undefined };

interface Options {
  to?: string;
  at?: string;
  cancel?: boolean;
  pausePools?: boolean;
}

interface Scene {
  leader?: string;
  /** Hosts whose pools are paused. */
  paused?: readonly string[];
  /** Hosts whose PgBouncer does not answer. */
  silent?: readonly string[];
  done?: string[];
}

function seen({ leader = 'pg1', paused = [], silent = [], done = [] }: Scene, options: Options = {}): OperationRun<Options> {
  const more = Object.fromEntries(
    ['pg1', 'pg2', 'pg3'].map((name) => [
      name,
      { [POOLER.id]: { ...STATE, answers: !silent.includes(name), paused: paused.includes(name) ? ('all' as const) : undefined } },
    ]),
  );
  const state: Seen = { leader, more };
  return runSeen<Options>(inventory, state, { to: 'pg2', pausePools: true, ...options }, { done });
}

const ids = (scene: Scene, options?: Options): string[] => switchover.remaining(seen(scene, options)).steps.map(({ id }) => id);
const ALL = ['pg1', 'pg2', 'pg3'];

describe('a switchover with --pause-pools', () => {
  it('pauses the pools before it and resumes them right after it, once every proxy leads there', () => {
    expect(ids({})).toEqual(['pause-pools-1', 'hand-over', 'lead-proxies-1', 'resume-pools-1', 'follow']);
    expect(ids({ paused: ALL, done: ['pause-pools-1'] })).toEqual(['hand-over', 'lead-proxies-1', 'resume-pools-1', 'follow']);
    const over = { leader: 'pg2', paused: ALL };
    expect(ids({ ...over, done: ['pause-pools-1', 'hand-over'] })).toEqual(['lead-proxies-1', 'resume-pools-1']);
    expect(ids({ leader: 'pg2', done: ['pause-pools-1', 'hand-over', 'lead-proxies-1', 'resume-pools-1'] })).toEqual([]);
  });

  it('has the proxies wait for the new leader, which nobody has looked at by then', () => {
    const waitedFor = (scene: Scene): string => {
      const run = seen(scene);
      const step = switchover.remaining(run).steps.find(({ id }) => id.startsWith('lead-proxies'));
      if (step === undefined || !('on' in step)) return 'no step';
      return `${step.atOnce === true ? 'at once: ' : ''}${step.gates?.(run.contextOf('pg1'))[0]?.probe(undefined).text ?? ''}`;
    };
    expect(waitedFor({})).toMatch(/^at once: [^]*\[ "\$up" = pg2 \]/u);
    expect(waitedFor({ paused: ['pg3'] })).toMatch(/\[ "\$up" = pg1 \]/u);
  });

  it('resumes first what was left paused by a command that was killed, on whichever side of the switchover', () => {
    expect(ids({ paused: ['pg3'] })).toEqual([
      'lead-proxies-1',
      'resume-pools-1',
      'pause-pools-2',
      'hand-over',
      'lead-proxies-2',
      'resume-pools-2',
      'follow',
    ]);
    expect(ids({ paused: ALL, leader: 'pg2', done: ['follow'] })).toEqual(['lead-proxies-1', 'resume-pools-1']);
  });

  it('resumes where it ends early, and leaves alone what does not answer', () => {
    const back = (scene: Scene): string[] => switchover.back?.(seen(scene)).map(({ id, on }) => `${id} ${on.join()}`) ?? [];
    expect(back({ paused: ['pg1', 'pg3'] })).toEqual(['resume-pools-early pg1,pg3']);
    expect(back({})).toEqual([]);
    const [pause] = switchover.remaining(seen({ silent: ['pg3'] })).steps;
    expect(pause !== undefined && 'on' in pause ? pause.on : undefined).toEqual(['pg1', 'pg2']);
  });

  it('is the plain one where no PgBouncer answers: a step without a host would hold nobody up', () => {
    expect(ids({ silent: ALL })).toEqual(['hand-over', 'follow']);
  });

  it('is the plain one without the option', () => {
    expect(ids({ paused: ALL }, { pausePools: false })).toEqual(['hand-over', 'follow']);
  });

  it.each<[string, Options, string]>([
    ['that is scheduled', { at: '+30m' }, '--pause-pools is for a switchover now, and --at leaves it to Patroni'],
    ['that is cancelled', { cancel: true }, 'and --cancel leaves it to Patroni'],
  ])('is refused for one %s', (_title, given, words) => {
    const options = { pausePools: true, ...given };
    const found = switchover.problems?.({ ...seen({}), options, catalog: [] });
    expect(found?.[0]?.message).toContain(words);
  });

  it('is refused without PgBouncer', async () => {
    const start = { ...seen({}), inventory: await inventoryOf(THREE), options: { pausePools: true } };
    expect(switchover.problems?.(start)[0]?.message).toContain('no host of the inventory has the role pgbouncer');
    expect(restart.problems?.({ ...start, chosenHosts: undefined })[0]?.message).toContain(
      'no host of the inventory has the role pgbouncer',
    );
    const store = { ...start, inventory, options: { pausePools: true, service: 'etcd' } };
    expect(restart.problems?.({ ...store, chosenHosts: undefined })[0]?.message).toContain('--pause-pools is about PostgreSQL');
  });
});

describe('an operation with --pause-pools that is given up', () => {
  const { hinders } = switchover;

  it.each([switchover, restart, update])('resumes the pools: $name', (operation) => {
    expect(operation.hinders?.role({ inventory, options: { pausePools: true } })).toBe('pgbouncer');
    expect(operation.hinders?.role({ inventory, options: {} })).toBeUndefined();
    expect(operation.hinders?.steps(seen({ paused: ['pg1', 'pg3'] })).map(({ on }) => on)).toEqual([['pg1', 'pg3']]);
    expect(operation.hinders?.steps(seen({}))).toEqual([]);
  });

  it('says until when pools stay paused where a host does not answer', () => {
    expect(hinders?.unasked(seen({}))).toBeUndefined();
    const run = runSeen<Options>(inventory, { off: ['pg3'] }, { pausePools: true }, {});
    expect(hinders?.unasked(run)).toMatch(
      /^pg3 did not answer: if the pools there are paused, the host resumes them by itself, until \d{4}-\S+ \S+ UTC at the latest; `pgprov apply \S+` does it/u,
    );
  });
});
