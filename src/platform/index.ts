import { debian12, debian13 } from './debian.js';
import { rocky8, rocky9 } from './el.js';
import type { Platform } from './platform.js';

export type { PgdgLayout, PinnedKey, Platform, PlatformId, PostgresqlLayout, ServiceLayout, StandaloneLayout } from './platform.js';

/** Every supported operating system. */
export const PLATFORMS: readonly Platform[] = [debian13, debian12, rocky9, rocky8];

/** How a person calls patronictl on a host as root: with Patroni's file there, which it does not find by itself. */
export function patronictlOn({ patroni }: Platform): string {
  return `patronictl -c ${patroni.configFile}`;
}

/** The platform of an os-release `ID` and `VERSION_ID`; undefined when it is not supported. */
export function findPlatform(os: string, version: string): Platform | undefined {
  const id = `${os}${version.split('.')[0] ?? ''}`;
  return PLATFORMS.find((platform) => platform.id === id);
}
