import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareLimits,
  leftBehind,
  turnsOf,
  wantedLimits,
  type Restartable,
  type Turn,
} from '../../../src/operations/shared/restart/order.js';
import { STANDBY_LIMITS, type StandbyLimit } from '../../../src/resources/server-limits.js';
import { SEED } from '../../support/depth.js';

const NAMES = Object.keys(STANDBY_LIMITS) as StandbyLimit[];
type Values = Record<StandbyLimit, number>;

/** A server as PostgreSQL and Patroni have it. */
interface Server {
  name: string;
  running: Values;
  /** What its control file has: of a standby, what it has replayed of its leader. */
  control: Values;
  /** Another parameter waits for a restart. */
  other: boolean;
  restarts: number;
}

/** A cluster whose restarts do what Patroni's do: a standby starts with the larger of the configuration and its control file. */
class Model {
  leader: Server;
  readonly standbys: Server[];
  readonly #wanted: Values;

  constructor(size: number, now: Values, wanted: Values, other: boolean) {
    const servers = Array.from(
      { length: size },
      (_, index): Server => ({
        name: `pg${index + 1}`,
        running: now,
        control: now,
        other,
        restarts: 0,
      }),
    );
    [this.leader] = servers as [Server];
    this.standbys = servers.slice(1);
    this.#wanted = wanted;
  }

  get servers(): Server[] {
    return [this.leader, ...this.standbys];
  }

  seen(server: Server, selected: ReadonlySet<string>): Restartable {
    const { below, above } = compareLimits(server.running, this.#wanted);
    return {
      name: server.name,
      selected: selected.has(server.name),
      restarted: server.restarts > 0,
      down: false,
      pending: server.other || below.length + above.length > 0,
      below,
      above,
      other: server.other,
    };
  }

  take(turn: Turn, bySwitchover: boolean): void {
    const server = this.servers.find(({ name }) => name === turn.name) as Server;
    if (turn.as === 'standby') this.#startStandby(server);
    else if (turn.as === 'leader' && bySwitchover && this.standbys.length > 0) {
      const former = this.leader;
      this.leader = this.standbys.shift() as Server;
      this.standbys.push(former);
      this.#announce();
      this.#startStandby(former);
    } else {
      server.running = this.#wanted;
      this.#restarted(server);
      this.#announce();
    }
    this.assertSound();
  }

  #startStandby(server: Server): void {
    server.running = mapValues((name) => Math.max(this.#wanted[name], server.control[name]));
    this.#restarted(server);
  }

  #restarted(server: Server): void {
    server.restarts += 1;
    server.other = false;
  }

  /** A leader that starts writes its limits into the WAL, and standbys replay that. */
  #announce(): void {
    for (const server of this.servers) server.control = this.leader.running;
  }

  assertSound(): void {
    for (const standby of this.standbys)
      for (const name of NAMES) expect(standby.running[name], `${standby.name}: ${name}`).toBeGreaterThanOrEqual(this.leader.running[name]);
  }
}

function mapValues(of: (name: StandbyLimit) => number): Values {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Values;
}

const values = fc
  .tuple(...NAMES.map(() => fc.constantFrom(50, 60, 70)))
  .map((all) => mapValues((name) => all[NAMES.indexOf(name)] as number));

describe('the order of restarts', () => {
  it('never gives a standby lower limits than its leader, ends, and leaves nothing pending', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        values,
        values,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (size, now, wanted, other, pendingOnly, bySwitchover) => {
          const model = new Model(size, now, wanted, other);
          const all = new Set(model.servers.map(({ name }) => name));
          const isPending = (server: Server): boolean => model.seen(server, all).pending;
          const wasPending = isPending(model.leader);
          const foreseen: Turn[] = [];
          for (let taken = 0; ; taken += 1) {
            const [leader, standbys] = [model.seen(model.leader, all), model.standbys.map((each) => model.seen(each, all))];
            expect(leftBehind(leader, standbys, pendingOnly)).toEqual([]);
            const turns = turnsOf(leader, standbys, pendingOnly);
            if (taken === 0) foreseen.push(...turns);
            const [turn] = turns;
            // What is left now is what was foreseen before the first.
            expect(turns.map(({ name, as }) => [name, as])).toEqual(foreseen.slice(taken).map(({ name, as }) => [name, as]));
            if (turn === undefined) break;
            model.take(turn, bySwitchover);
          }
          for (const server of model.servers) {
            expect(isPending(server), server.name).toBe(false);
            expect(server.restarts, server.name).toBeLessThanOrEqual(server === model.leader ? 1 : 2);
            if (wasPending || !pendingOnly) expect(server.restarts, server.name).toBeGreaterThanOrEqual(1);
            else expect(server.restarts, server.name).toBe(0);
          }
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('is the same when it is computed again after any turn, whoever is left out', () => {
    fc.assert(
      fc.property(
        values,
        values,
        fc.boolean(),
        fc.subarray(['pg1', 'pg2', 'pg3']),
        fc.boolean(),
        (now, wanted, other, chosen, pendingOnly) => {
          const model = new Model(3, now, wanted, other);
          const selected = new Set(chosen);
          for (let taken = 0; taken <= 6; taken += 1) {
            const [leader, standbys] = [model.seen(model.leader, selected), model.standbys.map((each) => model.seen(each, selected))];
            // The guard refuses these.
            if (leftBehind(leader, standbys, pendingOnly).length > 0) return;
            const [turn] = turnsOf(leader, standbys, pendingOnly);
            if (turn === undefined) return;
            expect(chosen).toContain(turn.name);
            model.take(turn, false);
          }
          throw new Error('it has no end');
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  const member = (name: string, changes: Partial<Restartable> = {}): Restartable => ({
    name,
    selected: true,
    restarted: false,
    down: false,
    pending: true,
    below: [],
    above: [],
    other: false,
    ...changes,
  });
  const told = (leader: Restartable, standbys: Restartable[], pendingOnly = true): string[] =>
    turnsOf(leader, standbys, pendingOnly).map(
      ({ name, as, again, replays }) => `${name} ${as}${again ? ' again' : ''}${replays.length === 0 ? '' : ` after ${replays.join()}`}`,
    );

  it('raises on standbys first', () => {
    const raised = { below: ['max_connections' as const] };
    expect(told(member('pg1', raised), [member('pg2', raised), member('pg3', raised)])).toEqual([
      'pg2 standby',
      'pg3 standby',
      'pg1 leader',
    ]);
  });

  it('lowers on the leader first, in place', () => {
    const lowered = { above: ['max_connections' as const] };
    expect(told(member('pg1', lowered), [member('pg2', lowered), member('pg3', lowered)])).toEqual([
      'pg1 leader-in-place',
      'pg2 standby after max_connections',
      'pg3 standby after max_connections',
    ]);
  });

  it('has two turns for standbys when one limit is raised and another lowered', () => {
    const mixed = { below: ['max_connections' as const], above: ['max_wal_senders' as const] };
    expect(told(member('pg1', mixed), [member('pg2', mixed)])).toEqual([
      'pg2 standby',
      'pg1 leader-in-place',
      'pg2 standby again after max_wal_senders',
    ]);
  });

  it('takes a standby first for another parameter, also when a limit is lowered', () => {
    const both = { above: ['max_connections' as const], other: true };
    expect(told(member('pg1', both), [member('pg2', both)])).toEqual([
      'pg2 standby',
      'pg1 leader-in-place',
      'pg2 standby again after max_connections',
    ]);
  });

  it('restarts a standby once when all are restarted and a limit is lowered', () => {
    const lowered = { above: ['max_connections' as const] };
    expect(told(member('pg1', lowered), [member('pg2', lowered)], false)).toEqual([
      'pg1 leader-in-place',
      'pg2 standby after max_connections',
    ]);
  });

  it('does not restart a standby for a value that its leader still has', () => {
    const lowered = { above: ['max_connections' as const] };
    expect(told(member('pg1', { ...lowered, selected: false }), [member('pg2', lowered)])).toEqual([]);
    expect(told(member('pg1', { ...lowered, selected: false }), [member('pg2', lowered)], false)).toEqual(['pg2 standby']);
    expect(told(member('pg1', { ...lowered, selected: false }), [member('pg2', { ...lowered, restarted: true })], false)).toEqual([]);
  });

  it('includes a member that is down', () => {
    expect(told(member('pg1', { pending: false }), [member('pg2', { pending: false, down: true })])).toEqual(['pg2 standby']);
  });
});

describe('the limits that Patroni starts with', () => {
  it.each<[string, unknown, number]>([
    ['a number', 200, 200],
    ['text', '200', 200],
    ['none', undefined, 100],
    ['less than Patroni takes', 10, 100],
    ['nonsense', 'many', 100],
  ])('%s', (_, value, limit) => {
    const parameters = value === undefined ? {} : { max_connections: value };
    expect(wantedLimits({ postgresql: { parameters } }).max_connections).toBe(limit);
  });

  it('are Patroni’s defaults when there is no configuration', () => {
    expect(wantedLimits({})).toEqual({
      max_connections: 100,
      max_worker_processes: 8,
      max_wal_senders: 10,
      max_prepared_transactions: 0,
      max_locks_per_transaction: 64,
    });
  });
});
