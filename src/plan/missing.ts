import type { PlannedChange } from '../events.js';
import type { Objection, Role } from './role.js';

/** Roles that the selected ones need on the same host, and that the run leaves out, in the catalog's order. */
export function leftOutRoles(catalog: readonly Role[], selected: readonly Role[]): Role[] {
  const needed = new Set<string>();
  const add = (role: Role): void => {
    for (const name of role.requires ?? []) {
      if (needed.has(name)) continue;
      needed.add(name);
      const required = catalog.find((candidate) => candidate.name === name);
      if (required !== undefined) add(required);
    }
  };
  selected.forEach(add);
  return catalog.filter((role) => needed.has(role.name) && !selected.includes(role));
}

/** What makes a role count as not applied yet, rather than as applied and drifted. */
const FOUNDING = new Set(['install', 'create', 'start']);

/** Objections to a run on hosts where roles that it needs were not applied yet, from what those would change there. */
export function missingRoles(selected: readonly Role[], changes: readonly PlannedChange[]): Objection[] {
  const missing = new Map<string, { roles: Set<string>; first: PlannedChange }>();
  for (const change of changes.filter(({ action }) => FOUNDING.has(action))) {
    const entry = missing.get(change.host) ?? { roles: new Set(), first: change };
    entry.roles.add(change.stage.slice(0, change.stage.indexOf('/')));
    missing.set(change.host, entry);
  }
  const names = selected.map(({ name }) => name);
  return [...missing].map(([host, { roles, first }]) => ({
    kind: 'preflight',
    host,
    message: `${host}: ${names.join(', ')} needs ${[...roles].join(', ')} there first, beginning with: ${first.summary}`,
    hint: `select ${roles.size === 1 ? 'it' : 'them'} as well: --role ${[...roles, ...names].join(',')}`,
  }));
}
