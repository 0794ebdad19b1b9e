import { dirname, relative, resolve } from 'node:path';
import { connectionOf, isConnectionVariable, type AnsibleConnection } from '../../ansible/connection.js';
import { inheritVariables, membersOf, type AnsibleHost } from '../../ansible/inherit.js';
import { readAnsible } from '../../ansible/read.js';
import type { AnsibleSource } from '../../ansible/source.js';
import { InputError } from '../../lib/errors.js';
import { DEFAULT_DCS, DEFAULT_ROLES, HOST_NAME } from '../../model/index.js';
import { USUAL_VERSION, type Draft, type DraftHost } from './draft.js';

/** An inventory of Ansible as a draft, and what was not taken over. */
export interface Imported {
  draft: Draft;
  notes: string[];
}

/** What is known besides the file. */
export interface ImportOptions {
  cluster?: string;
  /** Only the hosts of these groups. */
  groups?: readonly string[];
  /** The inventory to be written; relative paths start in its directory. */
  target: string;
}

/** Groups as people name them, for the roles of their hosts. */
const STORE = new RegExp(`${DEFAULT_DCS}|(?:^|_)dcs(?:_|$)`, 'iu');
const POSTGRESQL = /postgres|patroni|(?:^|_)(?:pg|db|databases?|masters?|primary|leader|replicas?|standbys?|secondary)(?:[_0-9]|$)/iu;
const FIRST_LEADER = /^(?:masters?|primary|primaries|leader)$/iu;

/** Variables that playbooks for PostgreSQL commonly have, and what they are here. */
const CLUSTER_NAMES = ['patroni_cluster_name', 'patroni_scope', 'postgresql_cluster_name', 'pg_cluster'];
const VERSIONS = ['postgresql_version', 'postgres_version', 'pg_version'];

/**
 * Reads an inventory of Ansible.
 * @throws InputError when it cannot be read, has no hosts, or has no such group
 */
export function importAnsible(file: string, options: ImportOptions): Imported {
  const source = readAnsible(file);
  const all = inheritVariables(source);
  const wanted = chosen(source, all, options.groups);
  const roles = rolesOf(source, wanted);
  const members = wanted.filter(({ name }) => roles.get(name) !== undefined);
  if (members.length === 0)
    throw new InputError({
      kind: 'ansible/no-hosts',
      message: `${file}: lists no hosts`,
      hint: 'name the file that lists them; for a plugin or a script: ansible-inventory --list --yaml',
    });
  const ways = new Map(members.map((host) => [host.name, connectionFrom(host, options.target)]));
  const common = commonSettings([...ways.values()].map(({ ssh }) => ssh));
  const left = wanted.filter((host) => !members.includes(host)).map(({ name }) => name);
  const leader = members.find(({ groups }) => groups.some((group) => FIRST_LEADER.test(group) && membersOf(source, group).size === 1));
  return {
    draft: {
      cluster: options.cluster ?? clusterName(valueAmong(members, CLUSTER_NAMES)),
      ...(leader === undefined ? {} : { leader: leader.name }),
      ssh: common,
      hosts: members.map(({ name }) => draftHost(name, ways.get(name), roles.get(name), common)),
      groups: groupsOf(source, members),
      postgresql: { version: Number.parseInt(valueAmong(members, VERSIONS) ?? '', 10) || USUAL_VERSION },
      clients: [],
    },
    notes: [
      ...source.notes,
      ...(left.length === 0
        ? []
        : [`${left.join(', ')}: in no group of PostgreSQL or ${DEFAULT_DCS}, left out; --group NAMES says which groups to take`]),
      ...new Set([...ways.values()].flatMap(({ notes }) => notes.map(({ at, key, why }) => `${at}: ${key}: ${why}`))),
      ...otherVariables(members),
    ],
  };
}

function chosen(source: AnsibleSource, hosts: readonly AnsibleHost[], groups: readonly string[] | undefined): AnsibleHost[] {
  const unknown = groups?.find((group) => !source.groups.has(group));
  if (unknown !== undefined) {
    throw new InputError({
      kind: 'ansible/no-group',
      message: `there is no group ${JSON.stringify(unknown)}`,
      hint: `groups: ${[...source.groups.keys()].join(', ')}`,
    });
  }
  if (groups === undefined) return [...hosts];
  const names = new Set(groups.flatMap((group) => [...membersOf(source, group)]));
  return hosts.filter(({ name }) => names.has(name));
}

/** Roles by host, told by the names of groups; all have all where no name tells anything. */
function rolesOf(source: AnsibleSource, hosts: readonly AnsibleHost[]): Map<string, readonly string[]> {
  const inGroups = (pattern: RegExp): Set<string> =>
    new Set([...source.groups.keys()].filter((group) => pattern.test(group)).flatMap((group) => [...membersOf(source, group)]));
  const servers = inGroups(POSTGRESQL);
  const stores = inGroups(STORE);
  if (!hosts.some(({ name }) => servers.has(name))) return new Map(hosts.map(({ name }) => [name, DEFAULT_ROLES]));
  const isApart = hosts.some(({ name }) => stores.has(name));
  return new Map(
    hosts.flatMap(({ name }): [string, readonly string[]][] => {
      const hasStore = !isApart || stores.has(name);
      if (servers.has(name)) return [[name, hasStore ? DEFAULT_ROLES : DEFAULT_ROLES.filter((role) => role !== DEFAULT_DCS)]];
      return stores.has(name) ? [[name, ['base', 'firewall', 'pgdg', DEFAULT_DCS]]] : [];
    }),
  );
}

function connectionFrom({ vars }: AnsibleHost, target: string): AnsibleConnection {
  const found = connectionOf(vars);
  const local = (path: unknown): unknown =>
    typeof path === 'string' && !/^[~/]/u.test(path) ? relative(dirname(resolve(target)), resolve(path)) : path;
  const paths = Object.entries(found.ssh).map(([key, value]) => [
    key,
    key === 'identity_file' || key === 'known_hosts' ? local(value) : value,
  ]);
  return { ...found, ssh: Object.fromEntries(paths) as AnsibleConnection['ssh'] };
}

/** What all hosts have alike. */
function commonSettings(all: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const [first = {}] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => all.every((settings) => JSON.stringify(settings[key]) === JSON.stringify(value))),
  );
}

function draftHost(
  name: string,
  way: AnsibleConnection | undefined,
  roles: readonly string[] | undefined,
  common: Readonly<Record<string, unknown>>,
): DraftHost {
  const own = Object.fromEntries(Object.entries(way?.ssh ?? {}).filter(([key]) => !Object.hasOwn(common, key)));
  return {
    name,
    address: way?.address ?? name,
    ...(roles === undefined || roles === DEFAULT_ROLES ? {} : { roles }),
    ...(Object.keys(own).length === 0 ? {} : { ssh: own }),
  };
}

function groupsOf(source: AnsibleSource, hosts: readonly AnsibleHost[]): Record<string, string[]> {
  const names = [...source.groups.keys()].filter(
    (name) => !['all', 'ungrouped'].includes(name) && new RegExp(HOST_NAME, 'u').test(name) && !source.hosts.has(name),
  );
  const members = names.map((group): [string, string[]] => [
    group,
    hosts.filter(({ groups }) => groups.includes(group)).map(({ name }) => name),
  ]);
  return Object.fromEntries(members.filter(([, list]) => list.length > 0));
}

function valueAmong(hosts: readonly AnsibleHost[], names: readonly string[]): string | undefined {
  const values = hosts.flatMap(({ vars }) => names.flatMap((name) => vars.get(name)?.value ?? []));
  return values.map(String).find((value) => /^[\w.-]+$/u.test(value));
}

function clusterName(written = 'demo'): string {
  return (
    written
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/gu, '-')
      .replace(/^[^a-z0-9]+/u, '')
      .slice(0, 63) || 'demo'
  );
}

/** What playbooks read means nothing here; it is told by file, so that nothing is missed. */
function otherVariables(hosts: readonly AnsibleHost[]): string[] {
  const byFile = new Map<string, Set<string>>();
  for (const [key, { at }] of hosts.flatMap(({ vars }) => [...vars])) {
    if (isConnectionVariable(key) || CLUSTER_NAMES.includes(key) || VERSIONS.includes(key)) continue;
    const file = at.replace(/:\d+$/u, '');
    byFile.set(file, (byFile.get(file) ?? new Set()).add(key));
  }
  return [...byFile].map(([file, keys]) => `${file}: variables of your playbooks, which mean nothing here: ${[...keys].join(', ')}`);
}
