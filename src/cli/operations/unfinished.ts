import { RefusedError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { readOperation, type OperationRecord } from '../../store/operation-record.js';
import { assertUnlocked } from '../../store/local-lock.js';
import { storeDirectory } from '../../store/store.js';
import { optionWords } from './option-words.js';
import { pgprov } from '../../lib/pgprov-command.js';

/**
 * Insists that no operation on the cluster is unfinished: what it has chosen must hold until it is over.
 * @param but the operation that may be
 * @throws RefusedError that says which one is, since when, and how it is finished or given up; LockedError while it is carried out
 */
export async function assertNoOperation({ dir, cluster, file }: Inventory, but?: string): Promise<OperationRecord | undefined> {
  const record = await readOperation(storeDirectory(dir, cluster), file);
  if (record === undefined) return record;
  // What is being carried out at this moment is not left unfinished.
  await assertUnlocked(storeDirectory(dir, cluster));
  if (record.operation === but) return record;
  throw new RefusedError({
    kind: 'operation/unfinished',
    message: `${describeOperation(record)} is not finished, and until then nothing else may change ${cluster}`,
    hint: waysOut(record, file),
  });
}

/** How an operation that was begun is ended. */
export function waysOut({ operation }: OperationRecord, inventory: string): string {
  return `finish it with ${pgprov`${operation.split(' ')} ${inventory}`}, or give it up with ${pgprov`${operation.split(' ')} ${inventory} --give-up`}`;
}

/** `the switchover --to pg2 that ann@laptop began at 2026-11-28T09:30:00Z` */
export function describeOperation({ operation, command, given, by, began }: OperationRecord): string {
  return `the ${command ?? [operation, ...optionWords(given)].join(' ')} that ${by} began at ${began.replace(/\.\d+Z$/u, 'Z')}`;
}
