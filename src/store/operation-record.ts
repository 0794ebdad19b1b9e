import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PgprovError } from '../lib/errors.js';
import { readIfThere } from './files.js';
import { writeKept, writingStore } from './writing.js';
import { pgprov } from '../lib/pgprov-command.js';

/** An operation that was begun and is not finished. */
export interface OperationRecord {
  operation: string;
  /** Its command line, without the inventory; a record of an earlier pgprov has none. */
  command?: string;
  /** The inventory of the cluster that it only reads, where it takes two. */
  source?: string;
  /** As they were given. */
  given: Readonly<Record<string, unknown>>;
  /** What was chosen before the first step, and holds until the operation is over. */
  chosen: Readonly<Record<string, unknown>>;
  /** The hosts that it was begun for, where it has `--host` and was given it. */
  hosts?: readonly string[];
  /** ISO 8601, UTC. */
  began: string;
  /** `ann@laptop` */
  by: string;
}

function fileOf(store: string): string {
  return join(store, 'operation.json');
}

/**
 * The unfinished operation of a cluster, by the directory of its store; undefined when there is none.
 * @param inventory its file, for the command that an error names
 * @throws PgprovError when the file is not one of pgprov's
 */
export async function readOperation(store: string, inventory: string): Promise<OperationRecord | undefined> {
  const text = await readIfThere(fileOf(store));
  if (text === undefined) return undefined;
  const record = tryParse(text);
  if (isRecord(record)) return record;
  throw new PgprovError({
    kind: 'store/unreadable',
    message: `${fileOf(store)} does not hold the operation that pgprov wrote`,
    hint: `look at the cluster with ${pgprov`status ${inventory}`}; when no operation is under way, remove the file`,
  });
}

/** Writes an operation down; nothing of it may be done before. */
export async function writeOperation(store: string, record: OperationRecord): Promise<void> {
  await writeKept(fileOf(store), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Forgets the operation: it is finished, or given up. */
export async function endOperation(store: string): Promise<void> {
  await writingStore(fileOf(store), () => rm(fileOf(store), { force: true }));
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is OperationRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { operation, given, chosen, began, by } = value as Partial<OperationRecord>;
  const texts = [operation, began, by].every((part) => typeof part === 'string');
  return texts && [given, chosen].every((part) => typeof part === 'object' && part !== null && !Array.isArray(part));
}
