import { describe, expect, it } from 'vitest';
import poolsPaused from '../../../src/diagnoses/pools/pools-paused.js';
import { POOLER, type PoolerState } from '../../../src/resources/pgbouncer/pooler.js';
import { inventoryOf } from '../../support/inventory.js';
import { runSeen } from '../../operations/run-seen.js';

const inventory = await inventoryOf('cluster: demo\nhosts:\n  pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, pgbouncer]}\n');
const pool = { database: 'app', user: 'app', mode: 'transaction', active: 1, waiting: 4, servers: 0, busy: 0 };

function found(paused: PoolerState['paused']): ReturnType<typeof poolsPaused.find> {
  const state: PoolerState = { answers: true, settings: new Map(), pools: [pool], paused };
  const { view } = runSeen(inventory, { more: { pg1: { [POOLER.id]: state } } }, {});
  return poolsPaused.find({ view, now: 0, unseen: new Map(), gone: [], log: () => [] });
}

describe('paused pools', () => {
  it('are told with who waits, and the command that resumes them', () => {
    const [finding] = found('all');
    expect(finding).toMatchObject({ level: 'broken', host: 'pg1', what: 'the pools of PgBouncer are paused' });
    expect(finding?.follows).toContain('4 just now');
    expect(finding?.mend).toMatch(/^`pgprov apply [^`]*` resumes them/u);
    expect(found(['app'])[0]?.what).toBe('the pools of PgBouncer on app are paused');
  });

  it('are none where clients are served', () => expect(found(undefined)).toEqual([]));
});
