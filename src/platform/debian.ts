import type { Platform, PlatformId } from './platform.js';

/** Debian's layout; facts from the packages of Debian 12 and 13 and of PGDG. */
function debian(id: PlatformId, title: string, codename: string): Platform {
  return {
    id,
    title,
    family: 'debian',
    packageManager: 'apt',
    prerequisites: ['ca-certificates', 'curl'],
    pgdg: {
      baseUrl: 'https://apt.postgresql.org/pub/repos/apt',
      release: codename,
      // Not where PGDG's own script puts it: postgresql-common ships that file and would undo a mirror's key.
      keyPath: '/etc/apt/keyrings/pgdg.asc',
      keys: [{ fingerprint: 'B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8', url: 'https://www.postgresql.org/media/keys/ACCC4CF8.asc' }],
    },
    postgresql: (version) => ({
      serverPackages: [`postgresql-${version}`, `postgresql-client-${version}`],
      binDirectory: `/usr/lib/postgresql/${version}/bin`,
      dataDirectory: (name) => `/var/lib/postgresql/${version}/${name}`,
      standalone: {
        by: 'postgresql-common',
        policyFile: '/etc/postgresql-common/createcluster.conf',
        configDirectory: (name) => `/etc/postgresql/${version}/${name}`,
        logFile: (name) => `/var/log/postgresql/postgresql-${version}-${name}.log`,
      },
      unit: (name) => `postgresql@${version}-${name}`,
      unitPackage: 'postgresql-common',
      socketDirectory: '/var/run/postgresql',
      user: 'postgres',
      group: 'postgres',
      home: '/var/lib/postgresql',
    }),
    etcd: {
      packages: ['etcd-server', 'etcd-client'],
      unit: 'etcd',
      tlsDirectory: '/etc/etcd/tls',
      environmentFile: '/etc/default/etcd',
      dataRoot: '/var/lib/etcd',
      patroniPackages: ['python3-etcd'],
      user: 'etcd',
      group: 'etcd',
    },
    patroni: {
      packages: ['patroni', 'python3-psycopg2'],
      unit: 'patroni',
      tlsDirectory: '/etc/patroni/tls',
      configFile: '/etc/patroni/config.yml',
      user: 'postgres',
      group: 'postgres',
    },
  };
}

export const debian12: Platform = debian('debian12', 'Debian 12 (bookworm)', 'bookworm');
export const debian13: Platform = debian('debian13', 'Debian 13 (trixie)', 'trixie');
