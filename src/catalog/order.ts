import { didYouMean } from '../lib/nearest.js';
import type { Role } from '../plan/role.js';

/** The roles in the order in which they are applied, or why there is none. */
export type Order = { roles: readonly Role[] } | { problems: readonly string[] };

/**
 * Puts added roles among the built-in ones, which keep their order. A role comes after those that it `requires` or names in
 * `after`, and before those that it names in `before`; one that says nothing of the kind comes last.
 */
export function orderRoles(builtIn: readonly Role[], added: readonly Role[]): Order {
  const all = new Map([...builtIn, ...added].map((role) => [role.name, role]));
  const problems = added.flatMap((role) => unknownNames(role, [...all.keys()]));
  if (problems.length > 0) return { problems };
  const earlier = (role: Role): Role[] => {
    const previous = builtIn[builtIn.indexOf(role) - 1];
    const named = [...(role.requires ?? []), ...(role.after ?? [])].flatMap((name) => all.get(name) ?? []);
    return [...(previous === undefined ? [] : [previous]), ...named, ...added.filter(({ before }) => before?.includes(role.name))];
  };
  const placed = new Set<Role>();
  const place = (role: Role, waiting: readonly Role[]): readonly Role[] | undefined => {
    if (placed.has(role)) return undefined;
    if (waiting.includes(role)) return [...waiting.slice(waiting.indexOf(role)), role];
    for (const other of earlier(role)) {
      const circle = place(other, [...waiting, role]);
      if (circle !== undefined) return circle;
    }
    placed.add(role);
    return undefined;
  };
  for (const role of all.values()) {
    const circle = place(role, []);
    if (circle !== undefined)
      return { problems: [`roles that wait for each other have no order: ${circle.map(({ name }) => name).join(' after ')}`] };
  }
  return { roles: [...placed] };
}

function unknownNames(role: Role, names: readonly string[]): string[] {
  return (['requires', 'after', 'before'] as const).flatMap((property) =>
    (role[property] ?? [])
      .filter((name) => !names.includes(name))
      .map(
        (name) =>
          `role ${role.name}: ${property} names ${JSON.stringify(name)}, which is no role; ${didYouMean(name, names) ?? `there are ${names.join(', ')}`}`,
      ),
  );
}
