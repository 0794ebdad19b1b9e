import type { Operation, OperationStart } from '../plan/operation.js';
import type { Objection, Role } from '../plan/role.js';
import type { View } from '../plan/view.js';

/** What is asked about members that the inventory does not have. */
export interface StrangersOptions<Options extends object> {
  operation: Pick<Operation<Options>, 'bears' | 'changesNothing'>;
  start: Pick<OperationStart<Options>, 'inventory' | 'options'>;
  /** Roles whose hosts take part in the operation. */
  roles: readonly Role[];
  view: View;
}

/**
 * Why an operation must not begin while the cluster has members that the inventory has not: what it stops or hands over, it would leave to one that
 * it does not ask. A refusal outweighs objections of other kinds, as in a run.
 */
export function strangersObjections<Options extends object>({ operation, start, roles, view }: StrangersOptions<Options>): Objection[] {
  const { bears, changesNothing } = operation;
  if (changesNothing === true || bears === true) return [];
  const all = roles.flatMap((role) => role.strangers?.(view, (name) => bears?.(start, name) === true) ?? []);
  const refusals = all.filter(({ kind }) => kind === 'refuse');
  return refusals.length > 0 ? refusals : all;
}
