import type { DebianFacts } from '../systems.js';

const PACKAGES = [
  'postgresql-common',
  'patroni',
  'python3-psycopg2',
  'python3-etcd',
  'etcd-server',
  'etcd-client',
  'haproxy',
  'pgbouncer',
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
  return [`postgresql-${postgresql}`, `postgresql-client-${postgresql}`, ...PACKAGES];
}
