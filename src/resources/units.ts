import { sh } from '../shell/quote.js';
import type { SharedQuestion } from './shared-question.js';

/** What systemd says of a unit; empty texts where it does not know it. */
export interface UnitState {
  /** e.g. `loaded`, `not-found` */
  load: string;
  /** e.g. `enabled`, `disabled`, `static` */
  file: string;
  /** e.g. `active`, `failed` */
  active: string;
}

/** Units of other kinds than services are named with their ending. */
const OTHER_KINDS = /\.(?:timer|socket|target|path|mount)$/u;

/** Asks systemd for units; services are named without `.service`. */
export function unitsQuestion(...units: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_units',
    subjects: units,
    ask: (all) => sh`systemctl show -p Names -p LoadState -p UnitFileState -p ActiveState ${all} 2>/dev/null || :`,
  };
}

/** Finds a unit in an answer's lines, which may hold others as well; a unit may have several names. */
export function findUnit(text: string, unit: string): UnitState {
  for (const block of text.split('\n\n')) {
    const values = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const));
    if (
      values
        .get('Names')
        ?.split(' ')
        .includes(OTHER_KINDS.test(unit) ? unit : `${unit}.service`) !== true
    )
      continue;
    return { load: values.get('LoadState') ?? '', file: values.get('UnitFileState') ?? '', active: values.get('ActiveState') ?? '' };
  }
  return { load: '', file: '', active: '' };
}
