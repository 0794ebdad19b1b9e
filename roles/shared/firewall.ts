import { FIREWALL, firewall, mergeOpenings, type FirewallState, type Host, type Inventory, type Resource, type View } from '../../src/index.js';
import { memberPorts } from './member-ports.js';
import { variables } from './variables.js';

/**
 * What a host's firewall is to let through: the ports of its roles from every member, and those that clients
 * use from theirs as well. Undefined where nothing is to be done.
 */
export function memberFirewall(host: Host, inventory: Inventory): Resource<FirewallState> | undefined {
  const { backend, client_networks, member_networks } = variables(host, 'firewall');
  const ports = memberPorts(host);
  if (backend === 'none' || ports.length === 0) return undefined;
  const openings = mergeOpenings([
    { sources: [...inventory.hosts.map(({ clusterAddress }) => clusterAddress), ...member_networks], ports: ports.map(({ port }) => port) },
    { sources: client_networks, ports: ports.filter(({ clients }) => clients).map(({ port }) => port) },
  ]);
  return firewall({ cluster: inventory.cluster, backend, openings });
}

/** True when this run opens ports in the firewall of a host. */
export function opensPorts(view: View, host: Host): boolean {
  const state = view.read<FirewallState>(host.name, FIREWALL);
  if (state === undefined || !host.roles.includes('firewall')) return false;
  return (memberFirewall(host, view.inventory)?.diff(state) ?? []).length > 0;
}
