import type { Inventory } from '../../src/model/index.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { PENDING_VALUES, type PendingValue } from '../../src/resources/streaming/pending-values.js';
import { SERVER_UNIT, type ServerUnitState } from '../../src/resources/streaming/server-unit.js';
import { SERVER_LIMITS, type Limits } from '../../src/resources/server-limits.js';
import { primary, standby, statesOf, type Scene } from '../roles/shared/streaming/scene.js';
import { runOver, type Known } from './run-seen.js';

/** A server as a test has it; what it does not say is as of one that runs. */
export interface MadeServer extends Scene {
  unit?: Partial<ServerUnitState>;
  /** `max_connections: 100 → 200` */
  pending?: readonly PendingValue[];
  running?: Limits;
  more?: Readonly<Record<string, unknown>>;
}

/** pg1 is the primary, and the others stream from it. */
export const WELL: Readonly<Record<string, MadeServer>> = {
  pg1: primary({ sends: ['pg2', 'pg3'].map((name) => ({ name, state: 'streaming' })) }),
  pg2: standby(),
  pg3: standby(),
};

/** What every server runs with. */
export const USUAL: Limits = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/** An operation on servers that stream without Patroni. */
export function streamingRun<Options extends object>(
  inventory: Inventory,
  servers: Readonly<Record<string, MadeServer>>,
  options: Options,
  known: Known = {},
): OperationRun<Options> {
  const states = [...statesOf(servers)].map(([name, seen]): [string, Record<string, unknown>] => {
    const { says, unit, pending = [], running = USUAL, more = {} } = servers[name] ?? {};
    const up = says !== undefined;
    const state: ServerUnitState = { active: up, start: up ? 'first' : '', atBoot: true, held: false, serves: up, ...unit };
    return [
      name,
      {
        ...Object.fromEntries(seen),
        [SERVER_UNIT.id]: state,
        [PENDING_VALUES.id]: pending,
        [SERVER_LIMITS.id]: { started: up ? '1.5' : undefined, running: up ? running : undefined, control: running },
        ...more,
      },
    ];
  });
  return runOver(inventory, Object.fromEntries(states), options, known);
}
