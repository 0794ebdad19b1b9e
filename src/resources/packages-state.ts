import type { Change } from './resource.js';

/** Installed version, or undefined, by package name. */
export type PackagesState = Record<string, string | undefined>;

/** Packages that must be installed, whatever their version. */
export interface PackagesOptions {
  /** Names this resource among others of the host. */
  name: string;
  packages: readonly string[];
  /** Units that the packages enable and that must not start at boot yet. */
  disable?: readonly string[];
  /** Seconds to wait for somebody else's package manager; default 300. */
  lockTimeout?: number;
}

/** Seconds to wait for somebody else's package manager. */
export const DEFAULT_LOCK_TIMEOUT = 300;

/** The packages that are not installed. */
export function missingOf(packages: readonly string[], state: PackagesState): string[] {
  return packages.filter((name) => state[name] === undefined);
}

/** The change that installs what is missing. */
export function installChanges(packages: readonly string[], state: PackagesState): Change[] {
  const missing = missingOf(packages, state);
  return missing.length === 0 ? [] : [{ action: 'install', summary: `install ${missing.join(' ')}` }];
}
