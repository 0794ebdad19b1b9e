import type { Change } from './resource.js';

/** What a host has of each package: the version installed, or the one that would be, as far as the host knows one. */
export type PackagesState = Record<string, string | { candidate: string } | undefined>;

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
  return packages.filter((name) => typeof state[name] !== 'string');
}

/** The change that installs what is missing. */
export function installChanges(packages: readonly string[], state: PackagesState): Change[] {
  const missing = missingOf(packages, state);
  if (missing.length === 0) return [];
  const versions = missing.map((name) => (state[name] as { candidate: string } | undefined)?.candidate);
  const known = versions.every((version) => version !== undefined) ? ` (${versions.join(', ')})` : '';
  return [{ action: 'install', summary: `install ${missing.join(' ')}${known}` }];
}

/** Whether a change of this resource changes which versions there are to install. */
export function bringsVersions(resourceId: string): boolean {
  return resourceId.startsWith('apt-repository:') || resourceId.startsWith('file:/etc/yum.repos.d/');
}

/** The summary of an installation whose versions are not known yet, whatever the host believes now. */
export function withoutVersions(summary: string): string {
  return summary.replace(/ \([^()]*\)$/u, '');
}
