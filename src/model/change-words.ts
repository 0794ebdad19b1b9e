import type { ChangeMeaning } from './role-schema.js';

/** The words that a person may give as `change`, besides an operation. */
export const CHANGES: readonly ChangeMeaning[] = ['free', 'reload', 'restart', 'context', 'recreate'];

/** What a change of a variable means, as the reference page prints it: `reload or restart`, `operation (pg_upgrade)`. */
export function describeChange(change: ChangeMeaning): string {
  if (typeof change === 'object') return `operation (${change.operation})`;
  return change === 'context' ? 'reload or restart' : change;
}
