/** The operating systems a test host can have. */
export type System = 'debian12' | 'debian13';

/** What the lab needs to know of a system. */
export interface SystemFacts {
  /** Code name, as in the archive's suites. */
  suite: string;
  /** The major version of PostgreSQL that the lab's mirror carries for it. */
  postgresql: number;
}

/** All systems with their facts. */
export const SYSTEMS: Readonly<Record<System, SystemFacts>> = {
  debian12: { suite: 'bookworm', postgresql: 15 },
  debian13: { suite: 'trixie', postgresql: 17 },
};

/** The names of all systems. */
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as System[];

const PACKAGES = [
  'postgresql-common',
  'patroni',
  'python3-psycopg2',
  'python3-etcd',
  'etcd-server',
  'etcd-client',
  'haproxy',
  'pgbackrest',
  'curl',
  'wget',
  'gnupg',
  'nftables',
  'locales',
  'rsync',
  'acl',
  'jq',
];

/** The packages that must be installable on a host; their dependencies come along. */
export function wantedPackages(system: System): string[] {
  const { postgresql } = SYSTEMS[system];
  return [`postgresql-${postgresql}`, `postgresql-client-${postgresql}`, ...PACKAGES];
}
