import type { AnsibleHost } from '../../ansible/inherit.js';
import { isExpression } from '../../ansible/source.js';
import { groupKind, type GroupKind } from './group-kinds.js';

/** What each of some hosts is for. */
export interface Sorted {
  servers: AnsibleHost[];
  /** Those of the store that Patroni keeps its cluster in; some may be servers too. */
  stores: AnsibleHost[];
  /** Known to be for something else. */
  helpers: AnsibleHost[];
  /** Nothing says what these are for. */
  unknown: AnsibleHost[];
}

/** Variables in which TPA and Pigsty say what a host is for. */
export const ROLE_VARIABLES: readonly string[] = ['role', 'pg_role'];

/** The names that say what a host is for: its groups, and the values of such variables. */
export function labelsOf({ groups, vars }: AnsibleHost): string[] {
  const values: unknown[] = ROLE_VARIABLES.flatMap((key) => vars.get(key)?.value ?? []);
  return [...groups, ...values.filter((value) => typeof value === 'string').filter((value) => !isExpression(value))];
}

/** Tells by groups and variables what hosts are for. */
export function sortHosts(hosts: readonly AnsibleHost[]): Sorted {
  const sorted: Sorted = { servers: [], stores: [], helpers: [], unknown: [] };
  for (const host of hosts) {
    const kinds = new Set<GroupKind | undefined>(labelsOf(host).map(groupKind));
    if (kinds.has('postgresql')) sorted.servers.push(host);
    if (kinds.has('store')) sorted.stores.push(host);
    if (kinds.has('postgresql') || kinds.has('store')) continue;
    // The machine that Ansible runs on is often listed, as localhost.
    const isHere = host.vars.get('ansible_connection')?.value === 'local';
    sorted[kinds.has('helper') || isHere ? 'helpers' : 'unknown'].push(host);
  }
  return sorted;
}
