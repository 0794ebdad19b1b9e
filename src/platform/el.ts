import { CONSUL } from './consul.js';
import { PGBACKREST } from './pgbackrest.js';
import { pgbouncer } from './pgbouncer.js';
import type { Platform, PlatformId } from './platform.js';

const KEYS = 'https://download.postgresql.org/pub/repos/yum/keys';

/** Rocky's layout, which is that of all rebuilds of RHEL; facts from the packages of PGDG. */
function enterpriseLinux(id: PlatformId, title: string, major: '8' | '9', os: string, takenFor?: string): Platform {
  return {
    id,
    title,
    os,
    version: major,
    ...(takenFor === undefined ? {} : { takenFor }),
    family: 'el',
    packageManager: 'dnf',
    // The curl of a full installation and the smaller one of cloud images exclude each other, and either will do.
    prerequisites: ['ca-certificates', '/usr/bin/curl'],
    pgdg: {
      baseUrl: 'https://download.postgresql.org/pub/repos/yum',
      release: major,
      keyPath: '/etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-pgprov',
      keys: [
        { fingerprint: 'B031F89FC983E98262906B6E177B343BB9738825', url: `${KEYS}/PGDG-RPM-GPG-KEY-AARCH64-RHEL`, architecture: 'aarch64' },
        { fingerprint: 'D4BF08AE67A0B4C7A1DBCCD240BCA2B408B40D20', url: `${KEYS}/PGDG-RPM-GPG-KEY-RHEL` },
      ],
    },
    postgresql: (version) => ({
      serverPackages: [`postgresql${version}-server`, `postgresql${version}-contrib`],
      clientPackages: [`postgresql${version}`],
      binDirectory: `/usr/pgsql-${version}/bin`,
      // EL knows one cluster of a version and calls its directory `data`.
      dataDirectory: (name) => `/var/lib/pgsql/${version}/${name === 'main' ? 'data' : name}`,
      packagedData: `/var/lib/pgsql/${version}/data`,
      standalone: {
        by: 'setup-script',
        script: `/usr/pgsql-${version}/bin/postgresql-${version}-setup`,
        packagedUnit: `/usr/lib/systemd/system/postgresql-${version}.service`,
      },
      // The package has a unit for the one cluster that it knows; another cluster gets a copy of it.
      unit: (name) => `postgresql-${version}${name === 'main' ? '' : `-${name}`}`,
      unitPackage: `postgresql${version}-server`,
      socketDirectory: '/run/postgresql',
      user: 'postgres',
      group: 'postgres',
      home: '/var/lib/pgsql',
    }),
    etcd: {
      packages: ['etcd'],
      unit: 'etcd',
      // The package keeps /etc/etcd for root alone, and an upgrade would take a wider mode back.
      tlsDirectory: '/etc/pki/etcd',
      environmentFile: '/etc/etcd/etcd.conf',
      dataRoot: '/var/lib/etcd',
      patroniPackages: ['patroni-etcd'],
      user: 'etcd',
      group: 'etcd',
    },
    consul: {
      ...CONSUL,
      patroniPackages: ['patroni-consul'],
    },
    patroni: {
      packages: ['patroni'],
      unit: 'patroni',
      tlsDirectory: '/etc/patroni/tls',
      configFile: '/etc/patroni/patroni.yml',
      // PGDG's unit is Type=notify since Patroni 4.1 and its package does not bring the Python module that notifies.
      simpleDropIn: '/etc/systemd/system/patroni.service.d/pgprov.conf',
      user: 'postgres',
      group: 'postgres',
    },
    pgbackrest: PGBACKREST,
    pgbouncer: pgbouncer('pgbouncer', '/usr/bin/pgbouncer', { isQuiet: true }),
  };
}

export const rocky8: Platform = enterpriseLinux('rocky8', 'Rocky Linux 8', '8', 'rocky');
export const rocky9: Platform = enterpriseLinux('rocky9', 'Rocky Linux 9', '9', 'rocky');

/** RHEL and its other rebuilds, for which PGDG has the same repositories. */
export const EL_REBUILDS: readonly Platform[] = (
  [
    ['almalinux', 'AlmaLinux'],
    ['rhel', 'Red Hat Enterprise Linux'],
    ['ol', 'Oracle Linux'],
  ] as const
).flatMap(([os, name]) => [
  enterpriseLinux(`${os}9`, `${name} 9`, '9', os, rocky9.title),
  enterpriseLinux(`${os}8`, `${name} 8`, '8', os, rocky8.title),
]);

/** RHEL and its rebuilds, by the `ID` of their os-release. */
export const EL_SYSTEMS: readonly string[] = ['rocky', ...EL_REBUILDS.map(({ os }) => os)];

/** Why a version of RHEL, or of a rebuild, has no table, as a clause. */
export function whyNotEl(version: string): string {
  const major = Number(version.split('.')[0]);
  return major >= 10
    ? `what PGDG publishes for version ${major} of it was never looked at: where the packages are, and how they are laid out`
    : 'pgprov knows versions 8 and 9 of it';
}
