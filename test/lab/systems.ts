/** The operating systems a test host can have. */
export type System = 'debian12' | 'debian13' | 'rocky8' | 'rocky9';

/** What the lab needs to know of a Debian system. */
export interface DebianFacts {
  family: 'debian';
  /** Code name, as in the archive's suites. */
  suite: string;
  /** The major version of PostgreSQL that the lab's mirror carries for it. */
  postgresql: number;
  /** An earlier major version that the mirror carries as well, as PGDG does, and the suite whose packages of it the system can install. */
  earlier?: { postgresql: number; suite: string };
}

/** What the lab needs to know of a system of the Enterprise Linux family. */
export interface ElFacts {
  family: 'el';
  /** The major version, as in the names of repositories. */
  major: 8 | 9;
  /** The major version of PostgreSQL that its hosts have unless a test asks for another. */
  postgresql: number;
  /** A later major version that the mirror carries as well. */
  later?: number;
}

/** What the lab needs to know of a system. */
export type SystemFacts = DebianFacts | ElFacts;

/** How a system manages its packages. */
export type Family = SystemFacts['family'];

/** The major version of PostgreSQL that hosts with Debian 13 can have beside, or before, their own. */
export const EARLIER = { postgresql: 15, suite: 'bookworm' };

/** The later major version of PostgreSQL that hosts with Rocky 9 can have beside, or after, their own. */
export const LATER = 17;

/** All systems with their facts. */
export const SYSTEMS: Readonly<Record<System, SystemFacts>> = {
  debian12: { family: 'debian', suite: 'bookworm', postgresql: 15 },
  debian13: { family: 'debian', suite: 'trixie', postgresql: 17, earlier: EARLIER },
  rocky8: { family: 'el', major: 8, postgresql: 15 },
  rocky9: { family: 'el', major: 9, postgresql: 15, later: LATER },
};

/** The names of all systems. */
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as System[];
