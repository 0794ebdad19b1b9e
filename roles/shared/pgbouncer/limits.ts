import { hostsWith } from '../layout.js';
import type { Inventory } from '../../../src/index.js';
import { variables } from '../variables.js';
import { poolers } from './way.js';

/** PostgreSQL's own default. */
const DEFAULT_MAX_CONNECTIONS = 100;

/** Connections that are left to superusers, to Patroni and to who connects past the pools. */
const KEPT_FREE = 13;

/** `max_connections` of the servers, the least where they differ. */
export function maxConnections(inventory: Pick<Inventory, 'hosts'>): number {
  const given = hostsWith(inventory, 'postgresql')
    .map((server) => Number(variables(server, 'postgresql').parameters['max_connections'] ?? DEFAULT_MAX_CONNECTIONS))
    .filter((value) => Number.isInteger(value));
  return given.length === 0 ? DEFAULT_MAX_CONNECTIONS : Math.min(...given);
}

/** The connections to a database that each PgBouncer may make. */
export function shareOf(inventory: Pick<Inventory, 'hosts'>): number {
  return Math.max(1, Math.floor((maxConnections(inventory) - KEPT_FREE) / Math.max(1, poolers(inventory).length)));
}
