import { SYSTEMS, type System } from '../../lab/index.js';

/** Where things are on a host, told by its system and by nothing of pgprov. */
export interface Places {
  patroniConfig: string;
  postgresqlBin: string;
  /** Data directory of the cluster that packages would make. */
  data: string;
  /** Home of the user postgres. */
  home: string;
  etcdTls: string;
  /** Unit of the SSH server. */
  sshUnit: string;
}

/** The places of a system, for the PostgreSQL that the lab has for it. */
export function placesOf(os: System): Places {
  const { family, postgresql } = SYSTEMS[os];
  return family === 'el'
    ? {
        patroniConfig: '/etc/patroni/patroni.yml',
        postgresqlBin: `/usr/pgsql-${postgresql}/bin`,
        data: `/var/lib/pgsql/${postgresql}/data`,
        home: '/var/lib/pgsql',
        etcdTls: '/etc/pki/etcd',
        sshUnit: 'sshd',
      }
    : {
        patroniConfig: '/etc/patroni/config.yml',
        postgresqlBin: `/usr/lib/postgresql/${postgresql}/bin`,
        data: `/var/lib/postgresql/${postgresql}/main`,
        home: '/var/lib/postgresql',
        etcdTls: '/etc/etcd/tls',
        sshUnit: 'ssh',
      };
}
