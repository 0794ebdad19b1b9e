import type { ClusterStatus } from '../../lib/cluster-status.js';
import { LockedError, PgprovError, RefusedError } from '../../lib/errors.js';
import { flagOf } from '../../lib/flag.js';
import { operationLine } from '../../lib/operation-line.js';
import type { Inventory } from '../../model/index.js';
import { readOperation, type OperationRecord } from '../../store/operation-record.js';
import { assertUnlocked } from '../../store/local-lock.js';
import { storeDirectory } from '../../store/store.js';
import { HEADS } from './heads.js';
import { optionWords } from './option-words.js';
import { takenBackBy } from './taken-back.js';
import { pgprov, plainPgprov } from '../../lib/pgprov-command.js';

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

/** An operation that was begun and is not finished, or is carried out at this moment. */
export interface Unfinished {
  /** In a clause. */
  what: string;
  /** How it is ended; absent while it is carried out. */
  mend?: string;
  /** When it was begun, as ISO 8601. */
  began?: string;
  /** It stops members, which nothing else may start: what is seen of them meanwhile is its doing. */
  holdsMembers?: true;
  /** It pauses pools, and may have left them paused. */
  pausesPools?: true;
  /** Settings of Patroni's dynamic configuration that it makes for its own time, each with its value in JSON: `member_slots_ttl "0s"`. */
  sets?: readonly string[];
}

/** What was begun on a cluster and is not finished, by what is kept here; undefined: nothing. */
export async function unfinishedOperation({ dir, cluster, file }: Inventory): Promise<Unfinished | undefined> {
  const store = storeDirectory(dir, cluster);
  try {
    const record = await readOperation(store, file);
    if (record === undefined) return undefined;
    const what = describeOperation(record);
    const head = HEADS.find(({ name }) => name === record.operation);
    const told = {
      began: record.began,
      ...(head?.holdsMembers === undefined ? {} : { holdsMembers: head.holdsMembers }),
      ...(record.chosen['pausePools'] === true ? { pausesPools: true as const } : {}),
      ...(dropsSlots(record) ? { sets: ['member_slots_ttl "0s"'] } : {}),
    };
    return await assertUnlocked(store).then(
      () => ({
        what: `${what} is not finished, and until then nothing else may change ${cluster}`,
        mend: waysOut(record, file),
        ...told,
      }),
      (error: unknown) => {
        if (error instanceof LockedError) return { what: `${what} is under way`, ...told };
        throw error;
      },
    );
  } catch (error) {
    if (error instanceof PgprovError) return { what: error.message, ...(error.hint === undefined ? {} : { mend: error.hint }) };
    throw error;
  }
}

/** It has Patroni keep no slots for a moment, and has noted what to give back. */
function dropsSlots({ chosen }: OperationRecord): boolean {
  return chosen['slotsTtl'] !== undefined && chosen['slotsTtl'] !== 0;
}

/** The same in a sentence. */
export function unfinishedWords({ what, mend }: Unfinished): string {
  return [what, mend ?? []].flat().join('; ');
}

/** What an unfinished operation keeps from being carried out, and until when, as a status has it. */
export function hinderedBy(unfinished: Unfinished | undefined): Pick<ClusterStatus, 'unfinished' | 'waysOut'> {
  if (unfinished === undefined) return {};
  return { unfinished: unfinishedWords(unfinished), ...(unfinished.mend === undefined ? {} : { waysOut: unfinished.mend }) };
}

/** How an operation that was begun is ended. */
export function waysOut({ operation, source, chosen }: OperationRecord, inventory: string): string {
  const head = HEADS.find(({ name }) => name === operation);
  const back = head === undefined ? undefined : takenBackBy(head);
  const finish = `finish it with ${pgprov`${operationLine(operation, inventory, source)}`}`;
  if (back === undefined) return `${finish}, or give it up with ${pgprov`${operationLine(operation, inventory, source)} --give-up`}`;
  const isFinal = Object.entries(head?.options ?? {}).some(([name, { final }]) => final === true && chosen[name] === true);
  if (chosen[back] === true || isFinal) return finish;
  return `${finish}, or take it back with \`${plainPgprov`${operationLine(operation, inventory, source)} ${[flagOf(back)]}`}\``;
}

/** `the switchover --to pg2 that ann@laptop began at 2026-11-28T09:30:00Z` */
export function describeOperation({ operation, command, given, by, began }: OperationRecord): string {
  return `the ${command ?? [operation, ...optionWords(given)].join(' ')} that ${by} began at ${began.replace(/\.\d+Z$/u, 'Z')}`;
}
