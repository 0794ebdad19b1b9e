import type { PlannedChange } from '../events.js';
import type { Objection, Role } from './role.js';

/** Roles that the aimed ones need on the same host, and that the run leaves out, in the catalog's order. */
export function leftOutRoles(catalog: readonly Role[], aimed: readonly Role[]): Role[] {
  const needed = new Set<string>();
  const add = (role: Role): void => {
    for (const name of role.requires ?? []) {
      if (needed.has(name)) continue;
      needed.add(name);
      const required = catalog.find((candidate) => candidate.name === name);
      if (required !== undefined) add(required);
    }
  };
  aimed.forEach(add);
  return catalog.filter((role) => needed.has(role.name) && !aimed.includes(role));
}

/** What makes a role count as not applied yet, rather than as applied and drifted. */
const FOUNDING = new Set(['install', 'create', 'start']);

/** Objections to a run on hosts where a role that it needs was not applied yet, from what that role would change there. */
export function missingRoles(aimed: readonly Role[], changes: readonly PlannedChange[]): Objection[] {
  const missing = new Map<string, { host: string; role: string; change: PlannedChange }>();
  for (const change of changes.filter(({ action }) => FOUNDING.has(action))) {
    const role = change.stage.slice(0, change.stage.indexOf('/'));
    const key = `${change.host} ${role}`;
    if (!missing.has(key)) missing.set(key, { host: change.host, role, change });
  }
  const names = aimed.map(({ name }) => name).join(', ');
  return [...missing.values()].map(({ host, role, change }) => ({
    kind: 'preflight',
    host,
    message: `${host}: ${names} needs the role ${role} there first, which still has to ${change.summary}`,
    hint: `aim at it as well: --role ${[role, ...aimed.map(({ name }) => name)].join(',')}`,
  }));
}
