import type { Platform } from './platform.js';

/** Where pgBackRest is: the packages of Debian and of PGDG lay it out alike, on all systems. */
export const PGBACKREST: Platform['pgbackrest'] = {
  packages: ['pgbackrest'],
  unit: 'pgbackrest',
  tlsDirectory: '/etc/pgbackrest/tls',
  configFile: '/etc/pgbackrest.conf',
  logDirectory: '/var/log/pgbackrest',
  spoolDirectory: '/var/spool/pgbackrest',
  repositoryDirectory: '/var/lib/pgbackrest',
  user: 'postgres',
  group: 'postgres',
};
