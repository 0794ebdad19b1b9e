import type { Host, Inventory } from './inventory.js';
import { own, type Mapping } from './mapping.js';
import type { Outline } from './outline.js';
import type { Report } from './report.js';
import { topologyOf } from './topology.js';

/** Tells which hosts are `absent`; reports where none is left, and a leader that is absent. */
export function absentHosts(outline: Outline, top: Mapping, report: Report): (name: string) => boolean {
  const absent = outline.hosts.filter(({ settings }) => own(settings, 'absent') === true);
  const names = new Set(absent.map(({ name }) => name));
  const [first] = absent;
  if (first !== undefined && names.size === outline.hosts.length)
    report.add([...first.path, 'absent'], 'no host would be left: every one is absent', { hint: 'a cluster has one host at least' });
  const leader = own(top, 'leader');
  if (typeof leader === 'string' && names.has(leader))
    report.add(['leader'], `host "${leader}" is absent and cannot lead`, { hint: 'name another host, or leave it out' });
  return (name) => names.has(name);
}

/** The inventory in which a host that is `absent`, and stays so, is one of its hosts, as it was before; of any other name it stays as it is. */
export function withAbsent(inventory: Inventory, name: string): Inventory {
  const host = inventory.absent.find((candidate) => candidate.name === name);
  if (host === undefined) return inventory;
  return {
    ...inventory,
    hosts: [...inventory.hosts, host],
    groups: inventory.groups.map((group) => (host.groups.includes(group.name) ? { ...group, hosts: [...group.hosts, name] } : group)),
  };
}

/** The inventory for a step of an operation that takes out some hosts at most: others that are absent may be members yet. */
export function leavingAbsent(inventory: Inventory, but: readonly string[]): Inventory {
  return { ...inventory, leftForLater: inventory.absent.flatMap(({ name }) => (but.includes(name) ? [] : [name])) };
}

/** The inventory as if these hosts were absent. */
export function withoutHosts(inventory: Inventory, names: readonly string[]): Inventory {
  const isGone = ({ name }: Host): boolean => names.includes(name);
  const gone = inventory.hosts.filter(isGone);
  if (gone.length === 0) return inventory;
  const hosts = inventory.hosts.filter((host) => !isGone(host));
  const leads = names.includes(inventory.leader);
  const isServer = (host: Host): boolean => topologyOf(host) === 'patroni' || host.roles.includes('postgresql');
  return {
    ...inventory,
    hosts,
    absent: [...inventory.absent, ...gone.filter((host) => !inventory.absent.includes(host))],
    groups: inventory.groups.map((group) => ({ ...group, hosts: group.hosts.filter((name) => !names.includes(name)) })),
    ...(leads ? { leader: hosts.find(isServer)?.name ?? hosts[0]?.name ?? '' } : {}),
  };
}
