import { readFileSync } from 'node:fs';
import { InputError } from '../lib/errors.js';
import { pgprov } from '../lib/pgprov-command.js';
import { JOURNAL_SCHEMA, parseLine, type RunHead, type TimedEvent } from './journal-format.js';
import { journalFile, runIds } from './journal.js';

/** A run as its journal has it. */
export interface RunRecord {
  id: string;
  /** Undefined when the process was gone before it was written, or the file is none of ours. */
  head: RunHead | undefined;
  events: readonly TimedEvent[];
  /** The lines that are whole, as they were written. */
  lines: readonly string[];
}

/** All journaled runs of a cluster, newest first. */
export function readRuns(store: string): RunRecord[] {
  return [...newestRuns(store)];
}

/** The same, each read when it is asked for. */
export function* newestRuns(store: string): Generator<RunRecord> {
  for (const id of runIds(store).reverse()) yield readRun(store, id);
}

/** The newest journaled run, or the newest of those that are wanted. */
export function lastRun(store: string, isWanted: (record: RunRecord) => boolean = () => true): RunRecord | undefined {
  for (const id of runIds(store).reverse()) {
    const record = readRun(store, id);
    if (isWanted(record)) return record;
  }
  return undefined;
}

/**
 * The run whose id begins so; `last` is the newest.
 * @throws InputError naming the newest ones, when there is none or more than one
 * @param inventory its file, for the commands that messages advise
 */
export function findRun(store: string, wanted: string, inventory: string): RunRecord {
  const ids = runIds(store).reverse();
  const found = wanted === 'last' ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(wanted));
  const [id] = found;
  if (id !== undefined && found.length === 1) return readRun(store, id);
  const newest = (found.length > 0 ? found : ids).slice(0, 5);
  throw new InputError({
    kind: found.length > 1 ? 'runs/ambiguous' : 'runs/unknown',
    message: found.length > 1 ? `more than one run begins with ${JSON.stringify(wanted)}` : `there is no run ${JSON.stringify(wanted)}`,
    hint:
      newest.length === 0
        ? `no run of this cluster was recorded yet; ${pgprov`apply ${inventory}`} records one`
        : `the newest are ${newest.join(', ')}; ${pgprov`runs ${inventory}`} lists all`,
  });
}

/** Reads a journal; a line that is torn, or of a kind that is not known, is passed over. */
function readRun(store: string, id: string): RunRecord {
  const all = readText(journalFile(store, id))
    .split('\n')
    .map((line) => ({ line, entry: parseLine(line) }));
  const known = all.flatMap(({ line, entry }) => (entry === undefined ? [] : [{ line, entry }]));
  const entries = known.map(({ entry }) => entry);
  return {
    id,
    head: entries.find(isHead),
    events: entries.filter((entry): entry is TimedEvent => !isHead(entry)),
    lines: known.map(({ line }) => line),
  };
}

/** A journal that a run which begins now has just removed reads like one that was never written. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function isHead(entry: RunHead | TimedEvent): entry is RunHead {
  return entry.type === 'journal' && entry.schema <= JOURNAL_SCHEMA;
}
