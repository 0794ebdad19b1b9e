import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { ASIDE } from './put-aside.js';
import { answerText, type Observation } from './resource.js';

/** The observation's id; undefined: the directory has a database, or none is beside it. */
export const DATA_BESIDE = handle<string | undefined>('data-beside');

/** Where the database is that was put aside last beside a data directory that has none, as in the middle of a restore. */
export function dataBeside(path: string): Observation<string | undefined> {
  return {
    ...DATA_BESIDE,
    probe: () => sh`newest=
[ -e ${`${path}/PG_VERSION`} ] || for beside in ${path}${ASIDE}*; do [ ! -f "$beside/PG_VERSION" ] || newest=$beside; done
echo "$newest"`,
    parse: (answer) => answerText(answer).trim() || undefined,
  };
}
