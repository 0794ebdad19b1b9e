import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';
import { APPLIED_DIRECTORY, SERVICE } from './service.js';

/** A unit that pgprov set up on a host for a role that the host no longer has, and that runs or would at the next boot. */
export interface LeftUnit {
  unit: string;
  active: boolean;
  /** The cluster whose service it is, where that was recorded. */
  cluster?: string;
}

/** The observation's id, for guards. */
export const LEFT_UNITS = handle<LeftUnit[]>('left-units');

/** The units among them that another inventory has on the host, by its own record. */
export function unitsOfOthers(left: readonly LeftUnit[] | undefined, cluster: string): LeftUnit[] {
  return (left ?? []).filter((found) => found.cluster !== undefined && found.cluster !== cluster);
}

/**
 * Looks for units whose service pgprov recorded on the host, and that none of these is: ids of all resources that the host's roles have
 * now. Who stopped and disabled such a unit is done with it.
 */
export function leftUnits(ids: readonly string[]): Observation<LeftUnit[]> {
  const units = ids.filter((id) => id.startsWith(SERVICE)).map((id) => id.slice(SERVICE.length));
  return {
    ...LEFT_UNITS,
    when: 'start',
    probe: () => sh`cd ${APPLIED_DIRECTORY} 2>/dev/null || exit 0
for unit in *; do
[ -f "$unit" ] || continue
for other in ${units}; do [ "$other" != "$unit" ] || continue 2; done
active=$(systemctl is-active "$unit" 2>/dev/null) || :
enabled=$(systemctl is-enabled "$unit" 2>/dev/null) || :
cluster=$(sed -n 's/^cluster=//p' "$unit")
case "$active:$enabled" in
active:*|activating:*|reloading:*) printf 'active\t%s\t%s\n' "$unit" "$cluster" ;;
*:enabled*) printf 'enabled\t%s\t%s\n' "$unit" "$cluster" ;;
esac
done`,
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const [state, unit = '', cluster = ''] = line.split('\t');
        return { unit, active: state === 'active', ...(cluster === '' ? {} : { cluster }) };
      }),
  };
}
