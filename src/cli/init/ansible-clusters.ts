import { membersOf, type AnsibleHost } from '../../ansible/inherit.js';
import { isExpression, type AnsibleSource } from '../../ansible/source.js';
import { labelsOf } from './ansible-roles.js';
import { groupKind, isFirst, isPart } from './group-kinds.js';

/** One of several clusters in an inventory of Ansible. */
export interface FoundCluster {
  name: string;
  hosts: AnsibleHost[];
  /** The group that has just these hosts. */
  group?: string;
}

/** Variables that commonly name a cluster. */
export const CLUSTER_NAMES: readonly string[] = [
  'patroni_cluster_name',
  'patroni_scope',
  'patroni_cluster',
  'pg_cluster',
  'postgresql_cluster_name',
  'cluster_name',
];

/** What Debian and Red Hat call the one cluster of a host, which says nothing. */
const USUAL = ['main', 'data'];

/** The name of the cluster that a host is in, from its variables. */
export function clusterOf({ vars }: AnsibleHost): string | undefined {
  return CLUSTER_NAMES.flatMap((key) => vars.get(key)?.value ?? [])
    .filter((value) => typeof value === 'string' && !isExpression(value))
    .map(String)
    .find((value) => /^[\w.-]+$/u.test(value) && !USUAL.includes(value));
}

/**
 * The clusters that some hosts with PostgreSQL are in, when they are in several: told by the variables that name a cluster, else by groups that
 * share no host.
 * @param byGroups false where the user has named the groups, and so said that they are one
 */
export function clustersIn(source: AnsibleSource, servers: readonly AnsibleHost[], byGroups: boolean): FoundCluster[] {
  const named = new Map<string, AnsibleHost[]>();
  for (const host of servers) {
    const name = clusterOf(host);
    if (name !== undefined) named.set(name, [...(named.get(name) ?? []), host]);
  }
  if (named.size > 1) return [...named].map(([name, hosts]) => ({ name, hosts, ...sameGroup(source, servers, name, hosts) }));
  const found = byGroups ? apart(wholeGroups(source, servers)) : [];
  return found.length > 1 ? found : [];
}

/** The group that has just these servers; of several the one that is named like the cluster, or says PostgreSQL. */
function sameGroup(
  source: AnsibleSource,
  servers: readonly AnsibleHost[],
  cluster: string,
  hosts: readonly AnsibleHost[],
): { group?: string } {
  const groups = [...source.groups.keys()].filter((name) => {
    const inside = serversOf(source, name, servers);
    return inside.length === hosts.length && hosts.every((host) => inside.includes(host));
  });
  const group = groups.find((name) => name === cluster) ?? groups.find((name) => groupKind(name) === 'postgresql') ?? groups[0];
  return group === undefined ? {} : { group };
}

function serversOf(source: AnsibleSource, group: string, servers: readonly AnsibleHost[]): AnsibleHost[] {
  const names = membersOf(source, group);
  return servers.filter(({ name }) => names.has(name));
}

/** The groups that may each be a whole cluster. Where several hosts lead first, each of their clusters has just one of them. */
function wholeGroups(source: AnsibleSource, servers: readonly AnsibleHost[]): FoundCluster[] {
  const firsts = servers.filter((host) => labelsOf(host).some(isFirst));
  const groups = [...source.groups.keys()].filter((name) => !['all', 'ungrouped'].includes(name) && !isPart(name));
  const found = groups.map((group): FoundCluster => ({ name: group, group, hosts: serversOf(source, group, servers) }));
  const isWhole = ({ name, hosts }: FoundCluster): boolean => {
    const kind = groupKind(name);
    if (firsts.length < 2) return kind === 'postgresql';
    return (kind === 'postgresql' || kind === undefined) && hosts.filter((host) => firsts.includes(host)).length === 1;
  };
  return found.filter((cluster) => cluster.hosts.length > 0 && isWhole(cluster));
}

/** The largest of them, when no two share a host. */
function apart(clusters: readonly FoundCluster[]): FoundCluster[] {
  const largest: FoundCluster[] = [];
  for (const cluster of [...clusters].sort((a, b) => b.hosts.length - a.hosts.length)) {
    const around = largest.find(({ hosts }) => cluster.hosts.some((host) => hosts.includes(host)));
    if (around === undefined) largest.push(cluster);
    else if (!cluster.hosts.every((host) => around.hosts.includes(host))) return [];
  }
  return clusters.filter((cluster) => largest.includes(cluster));
}
