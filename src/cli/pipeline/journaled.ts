import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TimedListener } from '../../events.js';
import { redact } from '../../lib/secret.js';
import { maskSecretOverrides, type Inventory } from '../../model/index.js';
import type { SelectionOptions } from '../../plan/selection.js';
import { toJsonLine } from '../../report/json.js';
import { mapEvent } from '../../report/map-event.js';
import { Journal, runsDirectory } from '../../store/journal.js';
import { catalogOf } from '../catalog.js';
import { continuing } from '../continuing.js';
import { version } from '../../lib/version.js';

/** What was said on the command line of a run that changes something, for its journal. */
export interface JournalHead {
  /** Default: `apply`. */
  command?: string;
  aim: SelectionOptions;
  set: readonly string[];
  /** The broken run that this one resumes. */
  resumes?: string;
  /** The run that this one goes on from: the apply whose `--restart` it carries out. */
  follows?: string;
  /** The plan file it carries out. */
  plan?: string;
  /** It came to an end before it began: nothing was changed, and no operation is to be finished. */
  unbegun?: true;
}

/** SHA-256 of a file, in hexadecimal; empty when it cannot be read. */
export function fileDigest(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return '';
  }
}

/**
 * Passes events on, each after it was written to the run's journal. The journal begins with the first event and at its time, so a run that
 * never got that far leaves none, and one whose events were held back began when they happened. When it cannot be written that is reported
 * once, and the run continues.
 */
export function journaled(
  store: string,
  inventory: Inventory,
  said: JournalHead,
  emit: TimedListener,
): { emit: TimedListener; close(): void; readonly run: string | undefined; readonly again: string } {
  let journal: Journal | undefined;
  let run: string | undefined;
  const { command = 'apply', resumes, follows, plan, unbegun } = said;
  const words = {
    command,
    aim: { ...said.aim } as Record<string, readonly string[]>,
    set: maskSecretOverrides(said.set, catalogOf(inventory)),
  };
  const again = (): string => continuing(words, inventory.file, run !== undefined);
  const begin = (at: Date): Journal => {
    const intent = {
      ...words,
      cluster: inventory.cluster,
      pgprov: version(),
      inventory: { file: inventory.file, sha256: fileDigest(inventory.file) },
      ...(resumes === undefined ? {} : { resumes }),
      ...(follows === undefined ? {} : { follows }),
      ...(plan === undefined ? {} : { plan }),
      ...(unbegun === undefined ? {} : { unbegun }),
    };
    const trouble = (reason: string): void =>
      emit({ type: 'warning', text: `the journal in ${runsDirectory(store)} cannot be written: ${reason}; the run continues without it` });
    return new Journal(store, intent, trouble, () => at);
  };
  return {
    emit: (event, at = new Date()) => {
      journal ??= begin(at);
      if (event.type === 'run-start' && journal.kept) run = journal.id;
      const told = event.type === 'run-start' ? { ...event, ...(run === undefined ? {} : { run }), again: again() } : event;
      journal.write(toJsonLine(mapEvent(told, redact), at));
      emit(told, at);
    },
    close: () => journal?.close(),
    get run() {
      return run;
    },
    get again() {
      return again();
    },
  };
}
