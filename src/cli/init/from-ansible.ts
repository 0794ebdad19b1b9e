import { dirname, relative, resolve } from 'node:path';
import { isConnectionVariable, type LeftVariable } from '../../ansible/connection.js';
import { inheritVariables, membersOf, type AnsibleHost } from '../../ansible/inherit.js';
import { readAnsible } from '../../ansible/read.js';
import { EXPRESSION, isExpression, type AnsibleSource } from '../../ansible/source.js';
import { InputError } from '../../lib/errors.js';
import { DEFAULT_DCS, DEFAULT_ROLES, HOST_NAME } from '../../model/index.js';
import { CLUSTER_NAMES, clusterOf } from './ansible-clusters.js';
import { chooseMembers, type Members } from './ansible-members.js';
import { HOST_VARIABLES, nameHosts, type NamedHost } from './ansible-hosts.js';
import { labelsOf, ROLE_VARIABLES } from './ansible-roles.js';
import { USUAL_VERSION, type Draft, type DraftHost } from './draft.js';
import { isFirst } from './group-kinds.js';
import type { ImportNotes, ImportOptions } from './import-options.js';

/** Variables that playbooks for PostgreSQL commonly have for its version. */
const VERSIONS = ['postgresql_version', 'postgres_version', 'pg_version', 'postgresql_major_version', 'patroni_postgresql_version'];

/**
 * Reads an inventory of Ansible.
 * @throws InputError when it cannot be read, has no such group, or leaves open which of its hosts are one cluster and nobody can be asked
 */
export async function importAnsible(file: string, options: ImportOptions, notes: ImportNotes): Promise<Draft> {
  const source = readAnsible(file);
  notes.left.push(...source.notes);
  const all = inheritVariables(source);
  if (all.length === 0)
    throw new InputError({
      kind: 'ansible/no-hosts',
      message: `${file}: lists no hosts`,
      hint: 'name the file that lists them; for a plugin or a script: ansible-inventory --list --yaml',
    });
  const members = await chooseMembers(file, source, all, options);
  const hosts = nameHosts(members.hosts, (host) => (members.servers.includes(host) ? 'pg' : DEFAULT_DCS));
  const ways = hosts.map((host) => settingsOf(host, options.target));
  notes.left.push(...leftNotes(members, hosts));
  notes.changed.push(...hosts.flatMap(({ remark }) => remark ?? []), ...members.remarks);
  const version = options.version ?? versionOf(members.hosts, notes);
  const common = commonSettings(ways);
  const leaders = hosts.filter(({ host }) => members.servers.includes(host) && labelsOf(host).some(isFirst));
  return {
    cluster: options.cluster ?? clusterName(members.hosts.map(clusterOf).find((name) => name !== undefined) ?? members.name),
    ...(leaders.length === 1 ? { leader: leaders[0]?.name ?? '' } : {}),
    ssh: common,
    hosts: hosts.map((host, index) => draftHost(host, members, ways[index] ?? {}, common)),
    groups: groupsOf(source, hosts),
    postgresql: { version },
    clients: [],
  };
}

function versionOf(hosts: readonly AnsibleHost[], notes: ImportNotes): number {
  const values = hosts.flatMap(({ vars }) => VERSIONS.flatMap((name) => vars.get(name)?.value ?? []));
  const version = values.map((value) => Number.parseInt(String(value), 10)).find((value) => value > 0);
  if (version === undefined) notes.changed.push(`no version of PostgreSQL is given there: ${USUAL_VERSION} is taken`);
  return version ?? USUAL_VERSION;
}

/** Settings of `ssh`, with paths that start at the new inventory. */
function settingsOf({ way }: NamedHost, target: string): Record<string, unknown> {
  const local = (path: unknown): unknown =>
    typeof path === 'string' && !/^[~/]/u.test(path) ? relative(dirname(resolve(target)), resolve(path)) : path;
  return Object.fromEntries(
    Object.entries(way.ssh).map(([key, value]) => {
      if (key !== 'identity_file' && key !== 'known_hosts') return [key, value];
      return [key, Array.isArray(value) ? value.map(local) : local(value)];
    }),
  );
}

/** What all hosts have alike. */
function commonSettings(all: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const [first = {}] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => all.every((settings) => JSON.stringify(settings[key]) === JSON.stringify(value))),
  );
}

function draftHost(
  { host, name, address, clusterAddress }: NamedHost,
  { servers, stores }: Members,
  ssh: Readonly<Record<string, unknown>>,
  common: Readonly<Record<string, unknown>>,
): DraftHost {
  const own = Object.fromEntries(Object.entries(ssh).filter(([key]) => !Object.hasOwn(common, key)));
  const roles = rolesOf(servers.includes(host), stores.length === 0 || stores.includes(host));
  return {
    name,
    address,
    ...(clusterAddress === undefined ? {} : { clusterAddress }),
    ...(roles === DEFAULT_ROLES ? {} : { roles }),
    ...(Object.keys(own).length === 0 ? {} : { ssh: own }),
  };
}

function rolesOf(isServer: boolean, hasStore: boolean): readonly string[] {
  if (!isServer) return ['base', 'firewall', 'pgdg', DEFAULT_DCS];
  return hasStore ? DEFAULT_ROLES : DEFAULT_ROLES.filter((role) => role !== DEFAULT_DCS);
}

function groupsOf(source: AnsibleSource, hosts: readonly NamedHost[]): Record<string, string[]> {
  const taken = new Set(hosts.map(({ name }) => name));
  const names = [...source.groups.keys()].filter(
    (name) => !['all', 'ungrouped'].includes(name) && new RegExp(HOST_NAME, 'u').test(name) && !taken.has(name),
  );
  const members = names.map((group): [string, string[]] => {
    const inside = membersOf(source, group);
    return [group, hosts.filter(({ host }) => inside.has(host.name)).map(({ name }) => name)];
  });
  return Object.fromEntries(members.filter(([, list]) => list.length > 0));
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

function leftNotes({ left, hosts: members }: Members, hosts: readonly NamedHost[]): string[] {
  const apart = left.map((host) => `${host.name}${host.groups.length === 0 ? '' : ` (${host.groups.join(', ')})`}`);
  return [
    ...(apart.length === 0
      ? []
      : [`${apart.join(', ')}: in no group of PostgreSQL or ${DEFAULT_DCS}, left out; --group NAMES says which groups to take`]),
    ...inFewWords([...hosts.flatMap(({ way, notes }) => [...notes, ...way.notes]), ...unread(members)]),
    ...otherVariables(members),
  ];
}

/** The same of several hosts is told once. */
function inFewWords(notes: readonly LeftVariable[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { at, key, why } of notes) places.set(`${key}: ${why}`, (places.get(`${key}: ${why}`) ?? new Set()).add(at));
  return [...places].map(([words, [first = '', ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${others.length === 1 ? 'one other place' : `${others.length} other places`}`;
    return `${first}${more}: ${words}`;
  });
}

/** What names the cluster or the version, and only Ansible can evaluate. */
function unread(hosts: readonly AnsibleHost[]): LeftVariable[] {
  return hosts.flatMap(({ vars }) =>
    [...CLUSTER_NAMES, ...VERSIONS].flatMap((key) => {
      const found = vars.get(key);
      return found !== undefined && isExpression(found.value) ? [{ at: found.at, key, why: EXPRESSION }] : [];
    }),
  );
}

/** What playbooks read means nothing here; it is told by file, so that nothing is missed. */
function otherVariables(hosts: readonly AnsibleHost[]): string[] {
  const known = new Set([...CLUSTER_NAMES, ...VERSIONS, ...HOST_VARIABLES, ...ROLE_VARIABLES, 'pg_seq']);
  const byFile = new Map<string, Set<string>>();
  for (const [key, { at }] of hosts.flatMap(({ vars }) => [...vars])) {
    if (isConnectionVariable(key) || known.has(key)) continue;
    const file = at.replace(/:\d+$/u, '');
    byFile.set(file, (byFile.get(file) ?? new Set()).add(key));
  }
  return [...byFile].map(([file, keys]) => {
    const names = [...keys].filter(isName);
    const others = keys.size - names.length;
    const more = others === 0 ? [] : [`${others === 1 ? 'one' : others} whose name is none, and is not shown`];
    return `${file}: variables of your playbooks, which are not read (docs/coming-from.md has what stands for them): ${[...names, ...more].join(', ')}`;
  });
}

/** Whether it is a name that Ansible takes for a variable, and no line of a key or the like that an `=` is in. */
function isName(key: string): boolean {
  return /^[A-Za-z_]\w{0,59}$/u.test(key) && (key.includes('_') || key.length < 32);
}
