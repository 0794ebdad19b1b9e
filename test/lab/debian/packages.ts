import type { DebianFacts } from '../systems.js';

const PACKAGES = [
  'postgresql-common',
  'patroni',
  'python3-psycopg2',
  'python3-etcd',
  'etcd-server',
  'etcd-client',
  'python3-consul',
  // Consul's own package needs these two.
  'adduser',
  'pipexec',
  'haproxy',
  'pgbouncer',
  'keepalived',
  'pgbackrest',
  'curl',
  'wget',
  'gnupg',
  'nftables',
  'ufw',
  'firewalld',
  'locales',
  'rsync',
  'acl',
  'jq',
  // Recommended by PostgreSQL's package: what pgprov leaves out has to be there, or nobody could tell.
  'sysstat',
  // Nothing that pgprov needs; Ansible, which the benchmark compares with, asks apt through it.
  'python3-apt',
];

/** The packages that must be installable on a host; their dependencies come along. */
export function wantedPackages({ postgresql }: DebianFacts): string[] {
  // One extension of those that are packaged by themselves, and one that the server has to load when it starts.
  const extensions = ['ip4r', 'pgaudit'].map((name) => `postgresql-${postgresql}-${name}`);
  return [`postgresql-${postgresql}`, `postgresql-client-${postgresql}`, ...extensions, ...PACKAGES];
}

/** What the packages of an earlier PostgreSQL need of its suite that the system no longer has. */
const FROM_EARLIER_SUITE = ['libicu72', 'libldap-2.5-0'];

/** The packages of an earlier PostgreSQL, each named once: with their dependencies LLVM would come along, which no host gets. */
export function earlierPackages({ earlier }: DebianFacts): string[] {
  if (earlier === undefined) return [];
  return [`postgresql-${earlier.postgresql}`, `postgresql-client-${earlier.postgresql}`, ...FROM_EARLIER_SUITE];
}

/**
 * Packages that no present suite has, from the last one that had them; what they need is among the others. They stand for those of a repository that
 * users add themselves.
 */
export const OLDER_PACKAGES = { suite: 'bullseye', packages: ['consul'] } as const;
