import { sh, type Script } from '../shell/quote.js';

/** Where it is noted that a unit which starts at boot does not until somebody starts it again. */
const noteOf = (unit: string): string => `/var/lib/pgprov/stopped/${unit}`;

/** Succeeds where the unit is disabled only until somebody starts it again: it has proved itself, and had its data. */
export function isPutOff(unit: string): Script {
  return sh`[ -e ${noteOf(unit)} ]`;
}

/** A unit that starts at boot. */
export interface BootUnit {
  unit: string;
  /** Where Debian's generator reads whether the unit starts at boot; undefined: that is for systemctl to say. */
  startConf?: string;
}

/** Keeps a unit from starting at boot; the note of it comes first, so that nobody takes it for one that was never enabled. */
export function putOff(unit: string): Script {
  return holdAtBoot({ unit });
}

/** The same of one that Debian's generator may start. */
export function holdAtBoot({ unit, startConf }: BootUnit): Script {
  return sh`mkdir -p /var/lib/pgprov/stopped
date -u +%Y-%m-%dT%H:%M:%SZ >${noteOf(unit)}
sync ${noteOf(unit)} /var/lib/pgprov/stopped
${startConf === undefined ? sh`systemctl -q disable ${unit}` : writeStartConf(startConf, 'auto', 'manual')}`;
}

/** Puts one word for another, and has the generator read it, so that systemd says the same as the file. */
function writeStartConf(path: string, from: 'auto' | 'manual', to: 'auto' | 'manual'): Script {
  return sh`sed -i ${`s/^[[:space:]]*${from}[[:space:]]*$/${to}/`} ${path}
systemctl daemon-reload`;
}

/** The unit starts at boot again, or somebody else has decided that it does not. */
export function endPutOff(unit: string): Script {
  return sh`rm -f ${noteOf(unit)}`;
}

/** A unit that was held starts at boot again; one that pgprov did not hold is as somebody has it. */
export function releaseAtBoot({ unit, startConf }: BootUnit): Script {
  return sh`if ${isPutOff(unit)}; then
${startConf === undefined ? sh`systemctl -q enable ${unit}` : writeStartConf(startConf, 'manual', 'auto')}
${endPutOff(unit)}
fi`;
}
