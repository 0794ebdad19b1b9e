import {
  FIREWALL,
  firewall,
  mergeOpenings,
  type FirewallState,
  type Host,
  type Inventory,
  type Resource,
  type RoleProtocol,
  type View,
} from '../../src/index.js';
import { variables } from './variables.js';

/**
 * What a host's firewall is to let through: each port of its roles, from those whom the role opens it to. Undefined where nothing is to be
 * done.
 */
export function hostFirewall(host: Host, inventory: Inventory): Resource<FirewallState> | undefined {
  const { backend, client_networks, member_networks } = variables(host, 'firewall');
  if (backend === 'none' || host.ports.length + host.protocols.length === 0) return undefined;
  const portsOpenTo = (who: 'members' | 'clients'): number[] =>
    host.ports.filter(({ openTo }) => openTo[who] === true).map(({ port }) => port);
  const members = [...inventory.hosts.map(({ clusterAddress }) => clusterAddress), ...member_networks];
  const openings = mergeOpenings([
    { sources: members, ports: portsOpenTo('members') },
    { sources: client_networks, ports: portsOpenTo('clients') },
    ...host.ports.map(({ port, openTo }) => ({ sources: openTo.networks ?? [], ports: [port] })),
    ...host.protocols.map(({ protocol }) => ({ sources: othersWith(protocol, host, inventory), ports: [protocol] })),
    ...host.ports
      .filter(({ udp }) => udp === true)
      .map(({ port, openTo: { members: toMembers, clients, networks = [] } }) => ({
        sources: [...(toMembers === true ? members : []), ...(clients === true ? client_networks : []), ...networks],
        ports: [`${port}/udp` as const],
      })),
  ]);
  return firewall({ cluster: inventory.cluster, backend, openings });
}

/** The addresses of the other hosts that speak a protocol. */
function othersWith(protocol: RoleProtocol['protocol'], host: Host, { hosts }: Inventory): string[] {
  return hosts
    .filter(({ name, protocols }) => name !== host.name && protocols.some((spoken) => spoken.protocol === protocol))
    .map(({ clusterAddress }) => clusterAddress);
}

/** True when this run opens ports in the firewall of a host. */
export function opensPorts(view: View, host: Host): boolean {
  const state = view.read(host.name, FIREWALL);
  if (state === undefined || !host.roles.includes('firewall')) return false;
  return (hostFirewall(host, view.inventory)?.diff(state) ?? []).length > 0;
}
