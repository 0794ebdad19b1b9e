import type { Host, Inventory } from './inventory.js';

/** The inventory in which a host is known to have had another name or address; of no such host it stays as it is. */
export function withFormer(inventory: Inventory, name: string, formerly: NonNullable<Host['formerly']>): Inventory {
  return { ...inventory, hosts: inventory.hosts.map((host) => (host.name === name ? { ...host, formerly } : host)) };
}

/** The inventory in which a host has another name. */
export function withName(inventory: Inventory, name: string, other: string): Inventory {
  const called = (each: string): string => (each === name ? other : each);
  return {
    ...inventory,
    hosts: inventory.hosts.map((host) => (host.name === name ? { ...host, name: other } : host)),
    groups: inventory.groups.map((group) => ({ ...group, hosts: group.hosts.map(called) })),
    leader: called(inventory.leader),
  };
}
