import { isDeepStrictEqual } from 'node:util';
import { checkValues } from './check-roles.js';
import type { Host } from './inventory.js';
import { isMapping, own } from './mapping.js';
import type { Mapping } from './mapping.js';
import type { Outline, OutlinedGroup, OutlinedHost } from './outline.js';
import type { Report } from './report.js';
import type { RoleSchema, VariableSchema } from './role-schema.js';
import { childSchema } from './closed-schema.js';
import { topologyOf } from './topology.js';
import { allOf, describeActual } from './words.js';

/** Everything the warnings look at. */
export interface Resolved {
  cluster: string;
  outline: Outline;
  hosts: Host[];
  leader: string;
  roles: readonly RoleSchema[];
  sections: ReadonlyMap<string, VariableSchema>;
}

/** Reports what works but is probably not meant. */
export function findWarnings(resolved: Resolved, report: Report): void {
  warnOfStoreCount(resolved, report);
  warnOfEmpty(resolved, report);
  warnOfLeader(resolved, report);
  warnOfUnusedSections(resolved, report);
  warnOfOverlappingGroups(resolved, report);
  checkValues(resolved, resolved.roles, report, 'warnings');
}

/** More than these no store recommends (etcd's FAQ: "What is maximum cluster size?"). */
const MOST_MEMBERS = 7;

function warnOfStoreCount({ hosts, roles }: Resolved, report: Report): void {
  const stores = roles.filter(({ isStore }) => isStore === true).map(({ name }) => name);
  const store = stores.find((name) => hosts.some((host) => host.roles.includes(name))) ?? stores.join(' or ');
  if (store === '') return;
  const members = hosts.filter((host) => host.roles.includes(store)).length;
  if (members === 0) {
    const needy = hosts.find((host) => topologyOf(host) === 'patroni');
    if (needy !== undefined) report.add(['hosts'], `no host has the role ${store}, in which Patroni keeps the leader lock`, { at: 'key' });
  } else if (members === 1) {
    report.add(['hosts'], `a single ${store} member: when it fails, the cluster has no leader and accepts no writes`, {
      at: 'key',
      hint: 'use three',
    });
  } else if (members > MOST_MEMBERS) {
    const message = `${members} ${store} members: ${Math.floor(members / 2) + 1} of them have to confirm every change, which makes each one slower and the cluster no safer`;
    report.add(['hosts'], message, { at: 'key', hint: `three, five or seven are enough; leave the role ${store} out on the other hosts` });
  } else if (members % 2 === 0) {
    const tolerated = members / 2 - 1;
    const failures = tolerated === 0 ? 'no failure' : tolerated === 1 ? 'one failure' : `${tolerated} failures`;
    const message = `${members} ${store} members tolerate ${failures}, the same as ${members - 1}: a quorum needs ${members / 2 + 1} of them`;
    report.add(['hosts'], message, { at: 'key', hint: `use ${members === 2 ? 3 : `${members - 1} or ${members + 1}`}` });
  }
}

function warnOfEmpty({ outline, hosts }: Resolved, report: Report): void {
  for (const group of outline.groups) {
    if (group.members.length === 0) report.add(group.path, 'the group has no hosts', { at: 'key' });
  }
  for (const host of hosts) {
    if (host.roles.length === 0) report.add(['hosts', host.name], 'the host has no roles; nothing will be done on it', { at: 'key' });
  }
}

function warnOfLeader({ hosts, leader }: Resolved, report: Report): void {
  const host = hosts.find((candidate) => candidate.name === leader);
  const tags = host?.vars['patroni']?.['tags'];
  if (host === undefined || !isMapping(tags) || tags['nofailover'] !== true) return;
  const message = `the leader ${leader} is tagged nofailover: once it has lost the lead it will not get it back by itself`;
  report.addFor('patroni.tags.nofailover', host.provenance.get('patroni.tags.nofailover'), message);
}

function warnOfUnusedSections({ outline, hosts, roles }: Resolved, report: Report): void {
  for (const { name, settings, path } of outline.hosts) {
    const host = hosts.find((candidate) => candidate.name === name);
    for (const role of roles) {
      if (!isMapping(own(settings, role.name)) || host?.roles.includes(role.name) !== false) continue;
      report.add([...path, role.name], `has no effect: the host does not have the role "${role.name}"`, { at: 'key' });
    }
  }
}

/** Tells which group wins where two of them give a host different values and the host has none of its own. */
function warnOfOverlappingGroups({ outline, sections }: Resolved, report: Report): void {
  const warned = new Map<string, { later: OutlinedGroup; path: string[]; message: string; hosts: string[] }>();
  for (const host of outline.hosts) {
    const groups = outline.groups.filter((group) => group.members.includes(host.name));
    for (const [index, later] of groups.entries()) {
      for (const earlier of groups.slice(0, index)) {
        for (const { path, values, secret } of differences(earlier, later, host, sections)) {
          const shown = secret ? '' : ` (${values.map((value) => describeActual(value)).join(' and ')})`;
          const message = `groups ${earlier.name} and ${later.name} give different values${shown}; ${later.name} wins, being listed later, for`;
          const known = warned.get(`${path.join('.')} ${message}`);
          if (known === undefined) warned.set(`${path.join('.')} ${message}`, { later, path, message, hosts: [host.name] });
          else known.hosts.push(host.name);
        }
      }
    }
  }
  for (const { later, path, message, hosts } of warned.values()) {
    report.add([...later.path, ...path], `${message} ${allOf(hosts)}`);
  }
}

interface Difference {
  path: string[];
  values: [unknown, unknown];
  secret: boolean;
}

function differences(
  earlier: OutlinedGroup,
  later: OutlinedGroup,
  host: OutlinedHost,
  sections: ReadonlyMap<string, VariableSchema>,
): Difference[] {
  const compare = (a: unknown, b: unknown, chosen: unknown, schema: VariableSchema | undefined, path: string[]): Difference[] => {
    if (a === undefined || b === undefined || chosen === null) return [];
    if (isMapping(a) && isMapping(b) && !schema?.secret) {
      return Object.keys(b).flatMap((key) => {
        const inHost = isMapping(chosen) ? own(chosen, key) : undefined;
        return compare(own(a, key), own(b, key), inHost, childSchema(schema, key), [...path, key]);
      });
    }
    if (chosen !== undefined || isDeepStrictEqual(a, b)) return [];
    return [{ path, values: [a, b], secret: schema?.secret === true }];
  };
  const pick = (settings: Mapping): Mapping =>
    Object.fromEntries(['roles', ...sections.keys()].map((key) => [key, own(settings, key)]).filter(([, value]) => value !== undefined));
  return compare(pick(earlier.settings), pick(later.settings), pick(host.settings), { properties: Object.fromEntries(sections) }, []);
}
