import { isDeepStrictEqual } from 'node:util';
import { RefusedError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import type { Operation } from '../../plan/operation.js';
import type { OperationRecord } from '../../store/operation-record.js';
import { assertNoOperation, describeOperation } from './unfinished.js';

/** What tells an operation from others, and where it is kept what was begun. */
export type Named = Pick<Operation, 'name' | 'keptInStore' | 'changesNothing'>;

/** What was begun of this operation; any other one that is unfinished is an error. */
export async function unfinishedOf(
  { name, keptInStore, changesNothing }: Named,
  inventory: Inventory,
): Promise<OperationRecord | undefined> {
  // It is in nobody's way, and has no record of its own.
  if (changesNothing === true) return undefined;
  return keptInStore === true ? assertNoOperation(inventory) : assertNoOperation(inventory, name);
}

/**
 * Insists, with the lock taken, that what is unfinished is what it was before: until then another run may begin, finish or give up one.
 * @throws RefusedError that says what has changed
 */
export async function assertStill(operation: Named, inventory: Inventory, before: OperationRecord | undefined): Promise<void> {
  const now = await unfinishedOf(operation, inventory);
  if (isDeepStrictEqual(now, before)) return;
  const told = now ?? before;
  const what = told === undefined ? operation.name : describeOperation(told);
  throw new RefusedError({
    kind: 'operation/meanwhile',
    message:
      now === undefined
        ? `${what} is not unfinished any more: another run ended it just now`
        : `another run left ${what} unfinished just now`,
    hint: 'nothing was changed by this run; give the command again, it works out anew what is left',
  });
}
