import { DEFAULT_DCS } from './default-dcs.js';
import type { Host } from './inventory.js';
import { own } from './mapping.js';
import type { Mapping } from './mapping.js';
import type { Report } from './report.js';
import { allOf } from './words.js';

/**
 * How a host's server belongs to others: a member of Patroni’s cluster; a primary or one of its standbys, which stream from it without Patroni;
 * or a server of its own.
 */
export type Topology = 'patroni' | 'streaming' | 'single';

/** How a host's PostgreSQL belongs to others; of a host without PostgreSQL it says nothing. */
export function topologyOf({ roles, streams }: Pick<Host, 'roles' | 'streams'>): Topology {
  if (roles.includes('patroni')) return 'patroni';
  return streams === true ? 'streaming' : 'single';
}

type Named = Pick<Host, 'name' | 'roles'>;

const isServer = ({ roles }: Named): boolean => roles.includes('postgresql');
const isAlone = (host: Named): boolean => isServer(host) && !host.roles.includes('patroni');
const replicates = ({ roles }: Named): boolean => roles.includes('replication');

/** The hosts whose servers stream from each other without Patroni: all that have PostgreSQL, where there are several and all replicate. */
export function streamingHosts(hosts: readonly Named[]): ReadonlySet<string> {
  const servers = hosts.filter(isServer);
  const stream = servers.length > 1 && servers.every((host) => isAlone(host) && replicates(host));
  return new Set(stream ? servers.map(({ name }) => name) : []);
}

/** Reports servers without Patroni that nothing would make one database, and a leader of a server that stands alone. */
export function checkTopology(top: Mapping, hosts: readonly Named[], report: Report): void {
  if (streamingHosts(hosts).size > 0) return;
  const alone = hosts.filter(isAlone);
  const names = alone.map(({ name }) => name);
  if (names.length > 1) {
    const without = alone.filter((host) => !replicates(host)).map(({ name }) => name);
    const streaming =
      hosts.filter(isServer).length > alone.length ? [] : [`add the role replication to ${allOf(without)} for a primary and its standbys`];
    const ways = [
      ...streaming,
      `add the roles ${DEFAULT_DCS} and patroni to make them one cluster`,
      'give every server an inventory of its own',
    ];
    report.add(
      ['hosts'],
      `${allOf(names)} have PostgreSQL without Patroni: each would be a database of its own, and none a standby of another`,
      { at: 'key', hint: `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}` },
    );
  } else if (own(top, 'leader') !== undefined && names.length > 0 && !hosts.some(({ roles }) => roles.includes('patroni'))) {
    report.add(['leader'], 'has no meaning for a server that stands alone: no other host can lead', {
      hint: `leave it out, or add hosts: with the role replication as standbys, or with the roles ${DEFAULT_DCS} and patroni`,
    });
  }
}
