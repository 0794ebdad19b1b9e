import { sh } from '../shell/quote.js';
import { answerText, digestOf, UnknownAnswer, type Resource } from './resource.js';

/** A unit of one's own, made from one that a package brings: the same server with another data directory. */
export interface UnitCopyOptions {
  /** File of the package's unit. */
  source: string;
  /** File of the copy. */
  path: string;
  /** Value of PGDATA in the copy. */
  data: string;
}

/** Whether there is a copy, and whether it is what the package's unit makes of it; `unknown` before the package is there. */
export type UnitCopyState = 'right' | 'other' | 'absent' | 'unknown';

const STATES: ReadonlySet<string> = new Set<UnitCopyState>(['right', 'other', 'absent', 'unknown']);

/** What stands above the copy. */
export const COPIED_UNIT = '# Managed by pgprov: a copy of the package’s unit. Changes made here are undone by the next `pgprov apply`.';

const PGDATA = '^Environment=PGDATA=.*';

/**
 * A copy of a package's unit with another PGDATA, for a further instance of the same major version. What an upgrade of the package changes in its
 * unit comes to the copy with the next apply, and counts from the unit's next start.
 */
export function unitCopy({ source, path, data }: UnitCopyOptions): Resource<UnitCopyState> {
  const id = `unit-copy:${path}`;
  const edited = sh`{ printf '%s\n' ${COPIED_UNIT}
sed ${`s|${PGDATA}|Environment=PGDATA=${data}|`} ${source}; }`;
  return {
    id,
    probe: () => sh`if [ ! -e ${path} ]; then echo absent
elif [ ! -e ${source} ]; then echo unknown
elif ${edited} | cmp -s - ${path}; then echo right
else echo other; fi`,
    parse: (answer) => {
      const state = answerText(answer).trim();
      if (!STATES.has(state)) throw new UnknownAnswer(id, answer);
      return state as UnitCopyState;
    },
    diff: (state) => {
      if (state === 'right' || state === 'unknown') return [];
      const summary = `copy ${source} to ${path}, with the data in ${data}`;
      return [{ action: state === 'absent' ? 'create' : 'update', summary }];
    },
    apply: () => sh`if ! grep -q ${PGDATA} ${source}; then
echo ${`${source} does not say where the data is (PGDATA), so no unit can be made from it`}
exit 1
fi
${edited} >${`${path}.new`}
chmod 0644 ${`${path}.new`}
mv -f ${`${path}.new`} ${path}
systemctl daemon-reload`,
    digest: () => digestOf(id, source, data),
  };
}
