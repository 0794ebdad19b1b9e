import { HOLD_BACK_SERVICES, isHeldBackByPolicy } from '../apt-packages.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import type { PackageManager } from './installed.js';

/** The file of a drop-in that keeps a unit from being stopped or started by anybody. */
const DROP_IN = 'pgprov-hold.conf';

const placeOf = (unit: string): string => `/run/systemd/system/${unit}.service.d`;

/**
 * Defines `restore`, which ends it, has it called when the script ends, and keeps the scripts of packages from stopping, starting or restarting
 * these units. With apt by Debian's policy-rc.d, which those scripts ask. With dnf, whose packages call systemctl, by RefuseManualStop and
 * RefuseManualStart (systemd.unit(5)) in a drop-in below /run, which a boot removes.
 */
export function holdBack(manager: PackageManager, units: readonly string[]): Script {
  if (manager === 'apt') return HOLD_BACK_SERVICES;
  return sh`restore() {
${letGo(units)}
systemctl daemon-reload
}
trap restore EXIT
${joinScripts(
  units.map(
    (unit) => sh`mkdir -p ${placeOf(unit)}
printf '[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n' >${`${placeOf(unit)}/${DROP_IN}`}`,
  ),
)}
systemctl daemon-reload`;
}

function letGo(units: readonly string[]): Script {
  return joinScripts(
    units.map(
      (unit) => sh`rm -f ${`${placeOf(unit)}/${DROP_IN}`}
rmdir ${placeOf(unit)} 2>/dev/null || :`,
    ),
  );
}

/** Succeeds where what `holdBack` does was left by a run that was cut off. */
export function isHeldBack(manager: PackageManager, units: readonly string[]): Script {
  if (manager === 'apt') return isHeldBackByPolicy;
  return sh`ls ${units.map((unit) => `${placeOf(unit)}/${DROP_IN}`)} 2>/dev/null | grep -q .`;
}
