import { Secret } from '../../lib/secret.js';
import { sh, type Script } from '../../shell/quote.js';
import { command } from '../command.js';
import { directory } from '../files/directory.js';
import { file } from '../files/file.js';
import { escapeField } from '../pgpass.js';
import { libpqQuoted, type LocalServer } from '../psql.js';
import type { Resource } from '../resource.js';

/** Where a host has what lets it read another cluster's databases, while they are brought here. */
export const MIGRATION_DIRECTORY = '/var/lib/pgprov/migrate';

const [PASSFILE, AUTHORITY, SERVICES] = [
  `${MIGRATION_DIRECTORY}/passfile`,
  `${MIGRATION_DIRECTORY}/ca.crt`,
  `${MIGRATION_DIRECTORY}/pg_service.conf`,
];

/**
 * libpq knows these words in a service file or a connection string alone, and in no variable. With them a connection that the network swallows breaks
 * within a minute; otherwise its end would never come, while nobody can write.
 */
const SERVICE = `[source]
keepalives_idle=15
keepalives_interval=5
keepalives_count=6
tcp_user_timeout=45000
`;

/** The servers of another cluster, of which the one that takes writes is asked. */
export interface MigrationSource {
  servers: readonly { address: string; port: number }[];
  /** The superuser there. */
  user: string;
  password: Secret;
  /** PEM of the authority that has signed the servers' certificates; undefined: they are taken as they are, or offer none. */
  authority: string | undefined;
  /** Roles there that are the cluster's own, and are not brought. */
  own: readonly string[];
}

/** Seconds in which a server there has to take a connection. */
const CONNECTS_WITHIN = 10;

function passfileOf({ servers, user, password }: MigrationSource): string {
  return servers
    .map(({ address, port }) => `${escapeField(address)}:${port}:*:${escapeField(user)}:${escapeField(password.reveal())}\n`)
    .join('');
}

/** The host can reach the other cluster, until `migrationAccessRemoved`: also after a failover another host leads, and goes on with the subscriptions. */
export function migrationAccess(source: MigrationSource, { user: owner, group }: { user: string; group: string }): Resource[] {
  const { authority } = source;
  return [
    directory({ path: MIGRATION_DIRECTORY, owner, group, mode: '0700' }) as Resource,
    file({ path: PASSFILE, owner, group, mode: '0600', content: new Secret(passfileOf(source)) }) as Resource,
    file({ path: SERVICES, owner, group, mode: '0600', content: SERVICE }) as Resource,
    ...(authority === undefined ? [] : [file({ path: AUTHORITY, owner, group, mode: '0600', content: authority }) as Resource]),
  ];
}

/** The host cannot reach the other cluster any more. */
export function migrationAccessRemoved(): Resource {
  return command({
    name: 'migration-access-removed',
    summary: `remove ${MIGRATION_DIRECTORY}`,
    unless: sh`[ ! -e ${MIGRATION_DIRECTORY} ]`,
    run: sh`rm -rf ${MIGRATION_DIRECTORY}`,
  }) as Resource;
}

/** The connection string of a subscription; the password is in the file alone. */
export function subscriptionString(source: MigrationSource, database: string): string {
  const { servers, user, authority } = source;
  const words: Record<string, string> = {
    host: servers.map(({ address }) => address).join(','),
    port: servers.map(({ port }) => port).join(','),
    user,
    dbname: database,
    passfile: PASSFILE,
    target_session_attrs: 'read-write',
    connect_timeout: String(CONNECTS_WITHIN),
    ...(authority === undefined ? {} : { sslmode: 'verify-ca', sslrootcert: AUTHORITY }),
  };
  return Object.entries(words)
    .map(([name, value]) => `${name}=${libpqQuoted(value)}`)
    .join(' ');
}

/**
 * Shell functions that put SQL to the two servers: `here DATABASE psql-options` to the host's own and `there` to the other cluster's, `at
 * ADDRESS PORT DATABASE psql-options` to one server of it, whatever that is; `dumps PROGRAM …` is a program of dumps that works there.
 * @param scratch the files are in `$scratch`, for a probe; default: where `migrationAccess` has put them
 */
export function defineServers(server: LocalServer, source: MigrationSource, { scratch = false } = {}): Script {
  const { binDirectory, user, home, socketDirectory, port, superuser = user } = server;
  const passfile = scratch ? sh`"$scratch"/passfile` : sh`${PASSFILE}`;
  const services = scratch ? sh`"$scratch"/pg_service.conf` : sh`${SERVICES}`;
  const authority = scratch ? sh`"$scratch"/ca.crt` : sh`${AUTHORITY}`;
  const tls = source.authority === undefined ? sh`PGSSLMODE=prefer` : sh`PGSSLMODE=verify-ca PGSSLROOTCERT=${authority}`;
  // Whatever was committed before a commit of these is on the disk with it. No owner of a database has a superuser call functions of theirs by a
  // search_path, and names are written alike in both.
  const options =
    '-c search_path=pg_catalog -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c synchronous_commit=on';
  const words = ['-XAtqw', '-v', 'ON_ERROR_STOP=1'];
  return sh`cd /
hosts=${source.servers.map(({ address }) => address).join(',')}
ports=${source.servers.map(({ port }) => port).join(',')}
attributes=read-write
service=
[ ! -e ${services} ] || service='PGSERVICE=source PGSERVICEFILE='${services}
here() {
on=$1
shift
runuser -u ${user} -- env ${`HOME=${home}`} PGDATABASE="$on" ${`PGHOST=${socketDirectory}`} ${`PGPORT=${port}`} ${`PGUSER=${superuser}`} PGCLIENTENCODING=UTF8 PGAPPNAME=pgprov-migrate ${`PGOPTIONS=${options}`} ${`${binDirectory}/psql`} ${words} "$@"
}
reach() {
on=$1
shift
runuser -u ${user} -- env $service ${`HOME=${home}`} PGDATABASE="$on" PGHOST="$hosts" PGPORT="$ports" ${`PGUSER=${source.user}`} PGPASSFILE=${passfile} PGTARGETSESSIONATTRS="$attributes" ${`PGCONNECT_TIMEOUT=${CONNECTS_WITHIN}`} ${tls} PGCLIENTENCODING=UTF8 PGAPPNAME=pgprov-migrate ${`PGOPTIONS=${options}`} "$@"
}
there() {
on=$1
shift
reach "$on" ${`${binDirectory}/psql`} ${words} "$@"
}
at() {
(
hosts=$1
ports=$2
attributes=any
shift 2
there "$@"
)
}
dumps() {
on=$1
program=$2
shift 2
reach "$on" ${`${binDirectory}/`}"$program" "$@"
}`;
}

/** Puts the files that `defineServers` needs into `$scratch`. */
export function scratchAccess(source: MigrationSource, { user }: Pick<LocalServer, 'user'>): Script {
  return sh`umask 077
printf %s ${passfileOf(source)} >"$scratch"/passfile
printf %s ${SERVICE} >"$scratch"/pg_service.conf
${source.authority === undefined ? sh`:` : sh`printf %s ${source.authority} >"$scratch"/ca.crt`}
chown -R ${user} "$scratch"`;
}
