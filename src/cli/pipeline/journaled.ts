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
import { version } from '../version.js';

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
 * Passes events on, each after it was written to the run's journal. The journal begins with the first event, so a run
 * that never got that far leaves none; when it cannot be written that is reported once, and the run continues.
 */
export function journaled(
  store: string,
  inventory: Inventory,
  said: JournalHead,
  emit: TimedListener,
): { emit: TimedListener; close(): void; readonly run: string | undefined } {
  let journal: Journal | undefined;
  let run: string | undefined;
  const begin = (): Journal => {
    const { command = 'apply', set, aim, resumes, follows, plan } = said;
    const intent = {
      command,
      cluster: inventory.cluster,
      pgprov: version(),
      aim: { ...aim } as Record<string, readonly string[]>,
      set: maskSecretOverrides(set, catalogOf(inventory)),
      inventory: { file: inventory.file, sha256: fileDigest(inventory.file) },
      ...(resumes === undefined ? {} : { resumes }),
      ...(follows === undefined ? {} : { follows }),
      ...(plan === undefined ? {} : { plan }),
    };
    return new Journal(store, intent, (reason) =>
      emit({ type: 'warning', text: `the journal in ${runsDirectory(store)} cannot be written: ${reason}; the run continues without it` }),
    );
  };
  return {
    emit: (event, at = new Date()) => {
      journal ??= begin();
      if (event.type === 'run-start' && journal.kept) run = journal.id;
      const told = event.type === 'run-start' && run !== undefined ? { ...event, run } : event;
      journal.write(toJsonLine(mapEvent(told, redact), at));
      emit(told, at);
    },
    close: () => journal?.close(),
    get run() {
      return run;
    },
  };
}
