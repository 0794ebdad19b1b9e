import { membersOf, type AnsibleHost } from '../../ansible/inherit.js';
import type { AnsibleSource } from '../../ansible/source.js';
import { InputError } from '../../lib/errors.js';
import { DEFAULT_DCS } from '../../model/index.js';
import { clustersIn, type FoundCluster } from './ansible-clusters.js';
import { labelsOf, sortHosts } from './ansible-roles.js';
import { groupKind } from './group-kinds.js';
import type { ImportOptions } from './import-options.js';

/** The hosts of an inventory of Ansible that become a cluster. */
export interface Members {
  /** Those with PostgreSQL and those of the store, in the order of the file. */
  hosts: AnsibleHost[];
  servers: readonly AnsibleHost[];
  /** Empty where every server has the store too. */
  stores: readonly AnsibleHost[];
  /** Those that were to be looked at and are for something else. */
  left: AnsibleHost[];
  /** What was concluded and the user should know. */
  remarks: string[];
  /** What the cluster may be called when no variable names it. */
  name?: string;
}

/**
 * Chooses the hosts of one cluster. Nothing becomes a member of it only because it is listed: where the file does not tell, the user does.
 * @throws InputError naming the groups to choose from, when nobody can be asked
 */
export async function chooseMembers(
  file: string,
  source: AnsibleSource,
  all: readonly AnsibleHost[],
  options: ImportOptions,
): Promise<Members> {
  const { ask, groups } = options;
  const wanted = hostsIn(source, all, groups);
  const sorted = sortHosts(wanted);
  const servers = sorted.servers.length > 0 ? sorted.servers : guessServers(sorted, groups !== undefined);
  if (servers === undefined) {
    if (ask === undefined) throw whichHosts(file, source, all);
    const answer = await ask({
      text: `No group's name says where PostgreSQL is to run. Groups to take (of ${groupNames(source, all).join(', ')})`,
      problem: (text) => unknownGroup(source, namesIn(text))?.message ?? (namesIn(text).length === 0 ? 'name at least one' : undefined),
    });
    return chooseMembers(file, source, all, { ...options, groups: namesIn(answer) });
  }
  const clusters = clustersIn(source, servers, groups === undefined);
  const cluster = clusters.length === 0 ? undefined : await chooseCluster(file, clusters, options);
  const chosen = cluster?.hosts ?? servers;
  const stores = cluster === undefined ? sorted.stores : sorted.stores.filter((host) => chosen.includes(host));
  const hosts = wanted.filter((host) => chosen.includes(host) || stores.includes(host));
  const left = wanted.filter((host) => !hosts.includes(host) && !servers.includes(host));
  return {
    hosts,
    servers: chosen,
    stores,
    left,
    remarks: remarksOf(wanted, servers !== sorted.servers && groups === undefined, stores.length > 0),
    ...(cluster === undefined ? {} : { name: cluster.name }),
  };
}

function hostsIn(source: AnsibleSource, hosts: readonly AnsibleHost[], groups: readonly string[] | undefined): AnsibleHost[] {
  if (groups === undefined) return [...hosts];
  const unknown = unknownGroup(source, groups);
  if (unknown !== undefined) throw new InputError({ kind: 'ansible/no-group', ...unknown });
  const names = new Set(groups.flatMap((group) => [...membersOf(source, group)]));
  const found = hosts.filter(({ name }) => names.has(name));
  if (found.length > 0) return found;
  throw new InputError({
    kind: 'ansible/no-hosts',
    message: `no hosts are in ${groups.join(', ')}`,
    hint: `groups with hosts: ${groupNames(source, hosts).join(', ')}`,
  });
}

function unknownGroup(source: AnsibleSource, groups: readonly string[]): { message: string; hint: string } | undefined {
  const unknown = groups.find((group) => !source.groups.has(group));
  if (unknown === undefined) return undefined;
  return { message: `there is no group ${JSON.stringify(unknown)}`, hint: `groups: ${[...source.groups.keys()].join(', ')}` };
}

/**
 * Where no name says PostgreSQL: all hosts of the groups that the user named, or all that there are when nothing sets them apart. Undefined when
 * only the user can tell.
 */
function guessServers({ stores, helpers, unknown }: ReturnType<typeof sortHosts>, areNamed: boolean): AnsibleHost[] | undefined {
  if (areNamed) {
    const others = [...helpers, ...unknown];
    return others.length > 0 ? others : stores;
  }
  const kinds = new Set(unknown.map(({ groups }) => groups.join(' ')));
  const areSetApart = kinds.size > 1 || helpers.some((host) => labelsOf(host).some((label) => groupKind(label) === 'helper'));
  return unknown.length === 0 || areSetApart ? undefined : unknown;
}

function groupNames(source: AnsibleSource, hosts: readonly AnsibleHost[]): string[] {
  const names = new Set(hosts.flatMap(({ groups }) => groups));
  return [...source.groups.keys()].filter((name) => names.has(name));
}

function namesIn(text: string): string[] {
  return text.split(/[\s,]+/u).filter((name) => name !== '');
}

function whichHosts(file: string, source: AnsibleSource, hosts: readonly AnsibleHost[]): InputError {
  const names = groupNames(source, hosts);
  return new InputError({
    kind: 'ansible/which-hosts',
    message: `${file}: no group's name says where PostgreSQL is to run`,
    hint:
      names.length === 0
        ? 'put the hosts into a group such as postgres'
        : `say --group NAMES; the groups with hosts are ${names.join(', ')}`,
  });
}

async function chooseCluster(file: string, clusters: readonly FoundCluster[], { ask, cluster }: ImportOptions): Promise<FoundCluster> {
  const meant = clusters.find(({ name }) => name === cluster);
  if (meant !== undefined) return meant;
  const shown = clusters.map(({ name, hosts }) => `${name} (${hosts.map((host) => host.name).join(', ')})`);
  if (ask === undefined) {
    const [first] = clusters;
    const example = first?.group === undefined ? `--cluster ${first?.name ?? ''}` : `--group ${first.group}`;
    throw new InputError({
      kind: 'ansible/several-clusters',
      message: `${file} has several clusters: ${shown.join(', ')}`,
      hint: `an inventory of pgprov is one cluster: choose one, as with ${example}, and run it again for the others`,
    });
  }
  const answer = await ask({
    text: `The file has several clusters: ${shown.join(', ')}.\nWhich one is this inventory to be of`,
    problem: (text) => (clusters.some(({ name }) => name === text) ? undefined : `one of ${clusters.map(({ name }) => name).join(', ')}`),
  });
  return clusters.find(({ name }) => name === answer) as FoundCluster;
}

function remarksOf(hosts: readonly AnsibleHost[], isGuess: boolean, hasStores: boolean): string[] {
  const otherStore = hosts.flatMap(({ groups }) => groups).find((group) => /consul|zookeeper/iu.test(group));
  return [
    ...(isGuess ? ["no group's name says what its hosts are for, so each of them becomes a member with all roles"] : []),
    ...(otherStore === undefined || hasStores
      ? []
      : [`${otherStore}: Patroni keeps its cluster in ${DEFAULT_DCS} here, which every host with PostgreSQL gets`]),
  ];
}
