import type { Host, Inventory } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { variables } from '../variables.js';

/** A virtual address. */
export interface Wanted {
  address: string;
  /** Length of the network's prefix. */
  prefix: number;
}

/** The virtual address of a host with the role vip. */
export function addressOf(host: Host): Wanted {
  const [address = '', prefix = ''] = (variables(host, 'vip').address ?? '').split('/');
  return { address, prefix: Number(prefix) };
}

/** The address that clients of the inventory's servers may use, which is theirs one after the other, or their proxies'; none where there is no vip. */
export function virtualAddresses(inventory: Pick<Inventory, 'hosts'>): string[] {
  return [...new Set(hostsWith(inventory, 'vip').map((host) => addressOf(host).address))];
}

/** The address by which clients may get to what a host itself serves; none where it never has one. */
export function virtualAddressesOf(host: Host): string[] {
  return host.roles.includes('vip') ? [addressOf(host).address] : [];
}

/** The role whose address goes with the lead, where the inventory has one that does. */
export function roleThatFollows(inventory: Pick<Inventory, 'hosts'>): string[] {
  return hostsWith(inventory, 'vip').some((host) => follows(host) === 'patroni') ? ['vip'] : [];
}

/** What the address follows on a host: its HAProxy, or its server’s lead. */
export function follows({ roles }: Pick<Host, 'roles'>): 'haproxy' | 'patroni' | undefined {
  return (['haproxy', 'patroni'] as const).find((role) => roles.includes(role));
}
