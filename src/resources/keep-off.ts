import { NOTHING, sh, type Script } from '../shell/quote.js';

/** The parts of a script that keep units which packages enable from starting at boot; each does nothing where there are none. */
export interface KeepOff {
  /** Comes before the installation. */
  before: Script;
  /** After one that went well. A unit that runs was there before, and stays as it is. */
  done: Script;
  /** After one that failed, when some of its packages may be there: whatever was not enabled before is not now. */
  failed: Script;
}

/** How units are kept from starting at boot that an installation may enable. */
export function keepOff(units: readonly string[]): KeepOff {
  if (units.length === 0) return { before: NOTHING, done: NOTHING, failed: NOTHING };
  return {
    before: sh`off=
for unit in ${units}; do systemctl -q is-enabled "$unit" 2>/dev/null || off="$off $unit"; done`,
    done: sh`off=
for unit in ${units}; do systemctl -q is-active "$unit" || off="$off $unit"; done
[ -z "$off" ] || systemctl -q disable $off`,
    failed: sh`[ -z "$off" ] || systemctl -q disable $off >/dev/null 2>&1 || :`,
  };
}
