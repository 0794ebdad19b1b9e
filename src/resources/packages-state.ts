import { handle, type Handle } from './handle.js';
import type { Change, Obstacle } from './resource.js';

/** What the ids of resources about packages begin with. */
export const PACKAGES = 'packages:';

/** What a host has of each package: the version installed, or of one that is not what is known of it. */
export type PackagesState = Record<string, string | AbsentPackage | undefined>;

/** What is seen of packages by the name of what they are for: a role. */
export function packagesHandle(name: string): Handle<PackagesState> {
  return handle(`${PACKAGES}${name}`);
}

/** A package that is not installed. */
export interface AbsentPackage {
  /** The version that would be installed, where the host knows one. */
  candidate?: string;
  /** Somebody put it on hold, so that the package manager leaves it as it is. */
  held?: true;
}

/** Packages that must be installed, whatever their version. */
export interface PackagesOptions {
  /** Names this resource among others of the host. */
  name: string;
  packages: readonly string[];
  /** Versions that are wanted of those that are missing, as the programs call themselves: `17.6`; default: the newest. */
  versions?: Readonly<Record<string, string>>;
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

/** The same for the package manager, whose sign comes before a version; any revision of the package will do. */
export function wantedOf({ packages, versions = {} }: PackagesOptions, state: PackagesState, sign: '=' | '-'): string[] {
  return missingOf(packages, state).map((name) => (versions[name] === undefined ? name : `${name}${sign}${versions[name]}-*`));
}

/** What the digest of packages has of versions. */
export function versionWords({ versions = {} }: PackagesOptions): string[] {
  return Object.entries(versions).flat();
}

/** The change that installs what is missing. */
export function installChanges(packages: readonly string[], state: PackagesState): Change[] {
  const missing = missingOf(packages, state);
  if (missing.length === 0) return [];
  const versions = missing.map((name) => absent(state, name).candidate);
  const known = versions.every((version) => version !== undefined) ? ` (${versions.join(', ')})` : '';
  return [{ action: 'install', summary: `install ${missing.join(' ')}${known}` }];
}

/** The missing packages that somebody put on hold; `release` is the command that takes that off, before their names. */
export function heldPackages(packages: readonly string[], state: PackagesState, release: string): Obstacle | undefined {
  const held = missingOf(packages, state).filter((name) => absent(state, name).held === true);
  if (held.length === 0) return undefined;
  const [what, it] = held.length === 1 ? [`the package ${held.join()} is`, 'it'] : [`the packages ${held.join(', ')} are`, 'them'];
  return {
    what: `${what} not installed, and on hold`,
    advice: `\`${release} ${held.join(' ')}\` there lets ${it} be installed; then run again`,
  };
}

function absent(state: PackagesState, name: string): AbsentPackage {
  const found = state[name];
  return typeof found === 'object' ? found : {};
}

/** Whether a change of this resource changes which versions there are to install. */
export function bringsVersions(resourceId: string): boolean {
  return resourceId.startsWith('apt-repository:') || resourceId.startsWith('file:/etc/yum.repos.d/');
}

/** The summary of an installation whose versions are not known yet, whatever the host believes now. */
export function withoutVersions(summary: string): string {
  return summary.replace(/ \([^()]*\)$/u, '');
}
