import { debian12, debian13, UBUNTU, whyNotUbuntu } from './debian.js';
import { EL_REBUILDS, EL_SYSTEMS, rocky8, rocky9, whyNotEl } from './el.js';
import type { Platform } from './platform.js';

export { extensionPackages } from './extensions.js';
export type { PgdgLayout, PinnedKey, Platform, PlatformId, PostgresqlLayout, ServiceLayout, StandaloneLayout } from './platform.js';

/** Every supported operating system. */
export const PLATFORMS: readonly Platform[] = [debian13, debian12, rocky9, rocky8];

/** Those whose tables are there because they are another's, and on which pgprov was not tested: taken where a person allows it. */
export const UNTESTED_PLATFORMS: readonly Platform[] = [...EL_REBUILDS, ...UBUNTU];

/** How a person calls patronictl on a host as root: with Patroni's file there, which it does not find by itself. */
export function patronictlOn({ patroni }: Platform): string {
  return `patronictl -c ${patroni.configFile}`;
}

/** The platform of an os-release `ID` and `VERSION_ID`, tested or not; undefined where there is no table. */
export function findPlatform(os: string, version: string): Platform | undefined {
  return [...PLATFORMS, ...UNTESTED_PLATFORMS].find(
    (platform) => platform.os === os && (version === platform.version || version.startsWith(`${platform.version}.`)),
  );
}

/** The platform that is kept under an id; undefined for one of another version of pgprov. */
export function platformNamed(id: string | undefined): Platform | undefined {
  return [...PLATFORMS, ...UNTESTED_PLATFORMS].find((platform) => platform.id === id);
}

/** Why there is no table for a system that people may expect, as a clause; undefined where there is nothing to say. */
export function whyUnsupported(os: string, version: string): string | undefined {
  if (os === 'ubuntu') return whyNotUbuntu(version);
  return EL_SYSTEMS.includes(os) ? whyNotEl(version) : undefined;
}
