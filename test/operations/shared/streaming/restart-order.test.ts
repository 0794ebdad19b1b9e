import { describe, expect, it } from 'vitest';
import { noOrder, orderOf, type Restartable } from '../../../../src/operations/shared/streaming/restart-order.js';
import type { Limits } from '../../../../src/resources/server-limits.js';

const server = (name: string, running: Limits, next: Limits = running, left = true): Restartable => ({
  name,
  left,
  running,
  next: { ...running, ...next },
});
const a = { max_connections: 100, max_wal_senders: 10 };

describe('the order of restarts without Patroni', () => {
  it('is standbys first, so that a bad value shows there, and for what is raised', () => {
    for (const next of [{}, { max_connections: 200 }]) {
      const all = ['pg1', 'pg2', 'pg3'].map((name) => server(name, a, next)) as [Restartable, Restartable, Restartable];
      expect(orderOf(all[0], all.slice(1))).toEqual({ before: ['pg2', 'pg3'], primary: 'pg1', after: [] });
      expect(noOrder(all[0], all.slice(1))).toBeUndefined();
    }
  });

  it('is the primary first for what is lowered', () => {
    const all = ['pg1', 'pg2', 'pg3'].map((name) => server(name, a, { max_connections: 50 })) as [Restartable, Restartable, Restartable];
    expect(orderOf(all[0], all.slice(1))).toEqual({ before: [], primary: 'pg1', after: ['pg2', 'pg3'] });
    expect(noOrder(all[0], all.slice(1))).toBeUndefined();
  });

  it('does not exist where one limit is raised and another lowered', () => {
    const all = ['pg1', 'pg2'].map((name) => server(name, a, { max_connections: 50, max_wal_senders: 20 })) as [Restartable, Restartable];
    expect(noOrder(all[0], all.slice(1))).toEqual({ why: 'both', standbys: ['pg2'], limits: ['max_wal_senders'] });
  });

  it('does not exist where the primary raises what a standby is not to have, or keeps what a standby is to lower', () => {
    const raised = server('pg1', a, { max_connections: 200 });
    expect(noOrder(raised, [server('pg2', a, { max_connections: 200 }, false)])).toEqual({
      why: 'lags',
      standbys: ['pg2'],
      limits: ['max_connections'],
    });
    expect(noOrder(raised, [server('pg2', a)])).toMatchObject({ why: 'lags' });
    // One that is down takes it up when it is started.
    expect(noOrder(raised, [server('pg2', {}, {}, false)])).toBeUndefined();
    const kept = server('pg1', a, { max_connections: 50 }, false);
    expect(noOrder(kept, [server('pg2', a, { max_connections: 50 })])).toEqual({
      why: 'keeps',
      standbys: ['pg2'],
      limits: ['max_connections'],
    });
  });
});
