import { sh, type Script } from '../shell/quote.js';

/** The drop-in of a unit that is held: while it is there, systemd refuses every start, also at a boot. */
const holdOf = (unit: string): string => `/etc/systemd/system/${unit}.service.d/pgprov-held.conf`;

/** Succeeds where the unit is held. */
export function isHeld(unit: string): Script {
  return sh`[ -e ${holdOf(unit)} ]`;
}

/** Has systemd refuse to start the unit, whoever wants it and whether it is enabled, generated or a template's, until the hold is ended. */
export function hold(unit: string): Script {
  const file = holdOf(unit);
  return sh`mkdir -p ${`/etc/systemd/system/${unit}.service.d`}
printf '%s\n' '# Made by pgprov, which takes it away when the server may run again.' '[Unit]' ${`AssertPathExists=!${file}`} >${file}
sync ${file}
systemctl daemon-reload`;
}

/** The unit may be started again; whether it starts at a boot is as it was before. */
export function endHold(unit: string): Script {
  return sh`rm -f ${holdOf(unit)}
systemctl daemon-reload`;
}
