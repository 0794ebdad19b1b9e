import { InputError } from '../lib/errors.js';
import { unknownName } from '../lib/nearest.js';
import type { Inventory } from '../model/index.js';
import type { Role } from './role.js';

/** What a command selects, by exact names; undefined: everything. */
export interface Selection {
  hosts?: readonly string[];
  roles?: readonly string[];
}

/** What a person selects by: names or patterns (`pg*`, `pg?`), and with `!` in front what is left out. */
export interface SelectionOptions {
  host?: readonly string[];
  group?: readonly string[];
  role?: readonly string[];
  skipRole?: readonly string[];
}

/** The roles of a run in the catalog's order, which is the order in which they are applied. */
export function selectedRoles(catalog: readonly Role[], selection: Selection): Role[] {
  return catalog.filter((role) => selection.roles === undefined || selection.roles.includes(role.name));
}

/** The hosts of a run, in inventory order. */
export function selectedHosts(inventory: Inventory, catalog: readonly Role[], selection: Selection): string[] {
  const roles = new Set(selectedRoles(catalog, selection).map((role) => role.name));
  return inventory.hosts
    .filter((host) => selection.hosts === undefined || selection.hosts.includes(host.name))
    .filter((host) => host.roles.some((role) => roles.has(role)))
    .map((host) => host.name);
}

/**
 * The names that words mean. Hosts are those named and those of the groups named; what is left out is left
 * out of everything else, or of all when nothing else is said.
 * @throws InputError naming what there is, for a word that means nothing and for an selection that matches nothing
 */
export function resolveSelection(inventory: Inventory, catalog: readonly Role[], words: SelectionOptions): Selection {
  const hosts = hostsOf(inventory, words);
  const roles = rolesOf(catalog, words);
  const selection: Selection = { ...(hosts === undefined ? {} : { hosts }), ...(roles === undefined ? {} : { roles }) };
  if (selectedHosts(inventory, catalog, selection).length > 0) return selection;
  throw new InputError({
    kind: 'aim/nothing',
    message: `${describe(words)} matches no host that has a selected role`,
    hint: inventory.hosts.map((host) => `${host.name}: ${host.roles.join(', ')}`).join('; '),
  });
}

function hostsOf(inventory: Inventory, { host, group }: SelectionOptions): string[] | undefined {
  if (host === undefined && group === undefined) return undefined;
  const names = inventory.hosts.map(({ name }) => name);
  const members = new Map(inventory.groups.map((entry) => [entry.name, entry.hosts]));
  const named = select('host', host ?? [], names);
  const grouped = select('group', group ?? [], [...members.keys()]);
  const membersOf = (groups: readonly string[]): string[] => groups.flatMap((name) => members.get(name) ?? []);
  const out = new Set([...named.out, ...membersOf(grouped.out)]);
  const wanted = new Set(named.any || grouped.any ? [...named.in, ...membersOf(grouped.in)] : names);
  return names.filter((name) => wanted.has(name) && !out.has(name));
}

function rolesOf(catalog: readonly Role[], { role, skipRole }: SelectionOptions): string[] | undefined {
  if (role === undefined && skipRole === undefined) return undefined;
  const names = catalog.map(({ name }) => name);
  const named = select('role', role ?? [], names);
  const skipped = select('role', skipRole ?? [], names);
  const wanted = new Set(named.any ? named.in : names);
  const out = new Set([...named.out, ...skipped.in]);
  return names.filter((name) => wanted.has(name) && !out.has(name));
}

/**
 * Of some names those that words select: the ones that match, or all where none does but `!`, without those after a `!`.
 * @param kind what they are names of, for people
 * @throws InputError naming what there is, for a word that matches none
 */
export function selectNames(kind: string, words: readonly string[], names: readonly string[]): string[] {
  const selected = select(kind, words, names);
  const out = new Set(selected.out);
  return names.filter((name) => (!selected.any || selected.in.includes(name)) && !out.has(name));
}

/** Names that words select and leave out, and whether any word selects. */
function select(kind: string, words: readonly string[], names: readonly string[]): { in: string[]; out: string[]; any: boolean } {
  const matching = (word: string): string[] => {
    const pattern = patternOf(word);
    const found = names.filter((name) => pattern.test(name));
    if (found.length === 0) throw new InputError({ kind: `aim/unknown-${kind}`, ...unknownName(kind, word, names) });
    return found;
  };
  const selecting = words.filter((word) => !word.startsWith('!'));
  return {
    in: selecting.flatMap(matching),
    out: words.filter((word) => word.startsWith('!')).flatMap((word) => matching(word.slice(1))),
    any: selecting.length > 0,
  };
}

function patternOf(word: string): RegExp {
  const source = word
    .replace(/[.+^$(){}|[\]\\]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'u');
}

function describe({ host = [], group = [], role = [], skipRole = [] }: SelectionOptions): string {
  const part = (name: string, words: readonly string[]): string[] => (words.length === 0 ? [] : [`--${name} ${words.join(',')}`]);
  return [...part('host', host), ...part('group', group), ...part('role', role), ...part('skip-role', skipRole)].join(' ');
}
