import { sh, type Script } from '../shell/quote.js';

/** Where it is noted that a unit which starts at boot does not until somebody starts it again. */
const noteOf = (unit: string): string => `/var/lib/pgprov/stopped/${unit}`;

/** Succeeds where the unit is disabled only until somebody starts it again: it has proved itself, and had its data. */
export function isPutOff(unit: string): Script {
  return sh`[ -e ${noteOf(unit)} ]`;
}

/** Keeps a unit from starting at boot; the note of it comes first, so that nobody takes it for one that was never enabled. */
export function putOff(unit: string): Script {
  return sh`mkdir -p /var/lib/pgprov/stopped
date -u +%Y-%m-%dT%H:%M:%SZ >${noteOf(unit)}
sync ${noteOf(unit)} /var/lib/pgprov/stopped
systemctl -q disable ${unit}`;
}

/** The unit starts at boot again, or somebody else has decided that it does not. */
export function endPutOff(unit: string): Script {
  return sh`rm -f ${noteOf(unit)}`;
}
