import { patroniHistory, type Host, type Inventory, type Observation, type PatroniHistory, type RoleContext } from '../../index.js';
import { hostsWith, restApiUrl } from '../../../roles/shared/layout.js';

/** The hosts whose PostgreSQL Patroni runs. */
export function patroniHosts(inventory: Inventory): Host[] {
  return hostsWith(inventory, 'patroni');
}

/** Asks a host's Patroni for the timelines that are over. */
export function asksHistory({ host }: RoleContext): Observation<PatroniHistory> {
  return patroniHistory(restApiUrl(host));
}
