import { isIPv6 } from 'node:net';
import type { ConsulClient, Host, Inventory, Platform } from '../../../src/index.js';
import { hostsWith, tlsFiles } from '../layout.js';

/** Consul's ports, its own defaults: between servers and to them, between all agents, and the agent's HTTP API over TLS. */
export const CONSUL_PORTS = { rpc: 8300, gossip: 8301, https: 8501 } as const;

/** What Consul calls all of its agents that know each other by gossip; its own default. */
export const DATACENTER = 'dc1';

/** The hosts that run a server of Consul, of which a quorum has to work. */
export function consulServers(inventory: Pick<Inventory, 'hosts'>): Host[] {
  return hostsWith(inventory, 'consul');
}

/** The hosts that run an agent of Consul, be it a server or not. */
export function consulAgents(inventory: Pick<Inventory, 'hosts'>): Host[] {
  return inventory.hosts.filter(isConsulAgent);
}

/** Whether a host runs an agent of Consul, be it a server or not. */
export function isConsulAgent({ roles }: Pick<Host, 'roles'>): boolean {
  return roles.includes('consul') || roles.includes('consul-agent');
}

/** How root on a host asks the agent there. */
export function consulClient({ consul }: Platform, as: 'management' | 'patroni'): ConsulClient {
  const { ca, certificate, key } = tlsFiles(consul);
  return {
    url: `https://127.0.0.1:${CONSUL_PORTS.https}`,
    caFile: ca,
    certFile: certificate,
    keyFile: key,
    tokenFile: as === 'management' ? consul.managementTokenFile : consul.patroniTokenFile,
  };
}

/** An address as Consul writes it before a port. */
export function addressInPort(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
