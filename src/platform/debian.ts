import { CONSUL } from './consul.js';
import { PGBACKREST } from './pgbackrest.js';
import { pgbouncer } from './pgbouncer.js';
import type { Platform, PlatformId } from './platform.js';

/** Which of them it is. */
type System = Pick<Platform, 'os' | 'version' | 'takenFor'>;

/** Debian's layout; facts from the packages of Debian 12 and 13 and of PGDG. */
function debian(id: PlatformId, title: string, codename: string, system: System): Platform {
  return {
    id,
    title,
    ...system,
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
      clientPackages: [`postgresql-client-${version}`],
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
    consul: {
      ...CONSUL,
      patroniPackages: ['python3-consul'],
    },
    patroni: {
      packages: ['patroni', 'python3-psycopg2'],
      unit: 'patroni',
      tlsDirectory: '/etc/patroni/tls',
      configFile: '/etc/patroni/config.yml',
      user: 'postgres',
      group: 'postgres',
    },
    pgbackrest: PGBACKREST,
    pgbouncer: pgbouncer('postgres', '/usr/sbin/pgbouncer'),
  };
}

export const debian12: Platform = debian('debian12', 'Debian 12 (bookworm)', 'bookworm', { os: 'debian', version: '12' });
export const debian13: Platform = debian('debian13', 'Debian 13 (trixie)', 'trixie', { os: 'debian', version: '13' });

function ubuntu(version: '24.04' | '26.04', codename: string): Platform {
  return debian(`ubuntu${version}`, `Ubuntu ${version} (${codename})`, codename, { os: 'ubuntu', version, takenFor: debian13.title });
}

/** PGDG publishes for them as for Debian; their own packages of etcd and locales have Debian's names and paths. */
export const UBUNTU: readonly Platform[] = [ubuntu('24.04', 'noble'), ubuntu('26.04', 'resolute')];

/** Why a release of Ubuntu has no table, as a clause. */
export function whyNotUbuntu(version: string): string {
  return version === '22.04'
    ? 'its etcd is 3.3, which has not the API that pgprov uses (/v3, from 3.4 on)'
    : 'of Ubuntu only releases with long-term support are known, from 24.04 on';
}
