import type { Host, Inventory } from '../../src/index.js';
import { variables } from './variables.js';

/** A TCP port that a host's services listen on for the members. */
export interface MemberPort {
  port: number;
  /** For people: `etcd peers`. */
  what: string;
  /** systemd units that may hold it already. */
  units: readonly string[];
  /** Clients of the cluster use it as well. */
  clients: boolean;
}

/** The ports of a host's roles, in the order of the catalog. */
export function memberPorts(host: Host): MemberPort[] {
  const list: MemberPort[] = [];
  const { version, name, port } = variables(host, 'postgresql');
  if (host.roles.includes('postgresql')) {
    list.push({ port, what: 'PostgreSQL', units: ['patroni.service', `postgresql@${version}-${name}.service`, `postgresql-${version}.service`], clients: true });
  }
  if (host.roles.includes('etcd')) {
    const { client_port, peer_port } = variables(host, 'etcd');
    list.push({ port: client_port, what: 'etcd clients', units: ['etcd.service'], clients: false });
    list.push({ port: peer_port, what: 'etcd peers', units: ['etcd.service'], clients: false });
  }
  if (host.roles.includes('patroni')) {
    list.push({ port: variables(host, 'patroni').restapi_port, what: "Patroni's REST API", units: ['patroni.service'], clients: true });
  }
  return list;
}

/** What a host must reach on the other members. */
export function memberPeers(host: Host, inventory: Inventory): { address: string; port: number }[] {
  return inventory.hosts
    .filter((peer) => peer.name !== host.name)
    .flatMap((peer) => memberPorts(peer).map(({ port }) => ({ address: peer.clusterAddress, port })));
}
