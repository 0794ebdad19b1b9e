import type { Platform } from './platform.js';

/** Where PgBouncer is: the packages of Debian and of PGDG differ in its user and in the place of the program. */
export function pgbouncer(user: string, program: string, more: { isQuiet?: true } = {}): Platform['pgbouncer'] {
  return {
    ...more,
    // openssl shows which certificate it presents.
    packages: ['pgbouncer', 'openssl'],
    unit: 'pgbouncer',
    program,
    configFile: '/etc/pgbouncer/pgbouncer.ini',
    userFile: '/etc/pgbouncer/userlist.txt',
    tlsDirectory: '/etc/pgbouncer/tls',
    user,
    group: user,
  };
}
