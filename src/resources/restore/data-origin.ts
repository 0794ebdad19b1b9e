import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import { sh } from '../../shell/quote.js';

/** Of which cluster's backups data was made that is another cluster's now, and has its system identifier all the same. */
export interface DataOrigin {
  cluster: string;
  /** What pgBackRest calls that cluster, and where its repositories are, in words that are the same for the same place. */
  stanza: string;
  places: readonly string[];
}

/** The observation's id: one for every time that it was cloned, the first first. */
export const DATA_ORIGIN = handle<readonly DataOrigin[]>('data-origin');

/** A file of lines in the data directory, so that standbys have it, and clones of a clone. */
export function originFile(path: string): string {
  return `${path}/pgprov.origin.jsonl`;
}

/** Whether the data in a directory was made of another cluster's. */
export function dataOrigin(path: string): Observation<readonly DataOrigin[]> {
  return {
    ...DATA_ORIGIN,
    probe: () => sh`cat ${originFile(path)} 2>/dev/null || :`,
    parse: (answer) => answerLines(answer).flatMap(readOrigin),
  };
}

function readOrigin(line: string): DataOrigin[] {
  try {
    const { cluster, stanza, places } = JSON.parse(line) as Partial<DataOrigin>;
    const isWhole = typeof cluster === 'string' && typeof stanza === 'string' && Array.isArray(places);
    return isWhole ? [{ cluster, stanza, places: places.map(String) }] : [];
  } catch {
    return [];
  }
}
