import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';
import { APPLIED_DIRECTORY, SERVICE } from './service.js';

/** A unit that pgprov set up on a host for a role that the host no longer has, and that runs or would at the next boot. */
export interface LeftUnit {
  unit: string;
  active: boolean;
}

/** The observation's id, for guards. */
export const LEFT_UNITS = handle<LeftUnit[]>('left-units');

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
case "$active:$enabled" in
active:*|activating:*|reloading:*) printf 'active %s\n' "$unit" ;;
*:enabled*) printf 'enabled %s\n' "$unit" ;;
esac
done`,
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const at = line.indexOf(' ');
        return { unit: line.slice(at + 1), active: line.slice(0, at) === 'active' };
      }),
  };
}
