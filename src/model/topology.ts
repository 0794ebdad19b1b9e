import { DEFAULT_DCS } from './default-dcs.js';
import type { Host } from './inventory.js';
import { own } from './mapping.js';
import type { Mapping } from './mapping.js';
import type { Report } from './report.js';
import { allOf } from './words.js';

/** How a host's server belongs to others: a member of Patroni’s cluster, or a server of its own. */
export type Topology = 'patroni' | 'single';

/** Whether a host's PostgreSQL is run by Patroni or stands alone; of a host without PostgreSQL it says nothing. */
export function topologyOf({ roles }: Pick<Host, 'roles'>): Topology {
  return roles.includes('patroni') ? 'patroni' : 'single';
}

/** Reports inventories that mean standbys without Patroni, which there are none of: each server would begin a database of its own. */
export function checkTopology(top: Mapping, hosts: readonly Pick<Host, 'name' | 'roles'>[], report: Report): void {
  const single = hosts.filter((host) => host.roles.includes('postgresql') && topologyOf(host) === 'single');
  const names = single.map(({ name }) => name);
  if (names.length > 1) {
    report.add(
      ['hosts'],
      `${allOf(names)} have PostgreSQL without Patroni: each would be a database of its own, and none a standby of another`,
      {
        at: 'key',
        hint: `add the roles ${DEFAULT_DCS} and patroni to make them one cluster, or give every server an inventory of its own`,
      },
    );
  } else if (own(top, 'leader') !== undefined && names.length > 0 && hosts.every((host) => topologyOf(host) === 'single')) {
    report.add(['leader'], 'has no meaning without Patroni: no host has the role patroni, so no host can lead', {
      hint: `leave it out, or add the roles ${DEFAULT_DCS} and patroni`,
    });
  }
}
