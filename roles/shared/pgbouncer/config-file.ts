import {
  digestOf,
  file,
  LOOKUP_QUERY,
  POOLER_CERTIFICATE,
  serverCertificate,
  serviceHandle,
  sh,
  tlsResources,
  type Host,
  type Inventory,
  type Observation,
  type PoolerConsole,
  type Resource,
  type RoleContext,
  type Script,
  type TlsIdentity,
} from '../../../src/index.js';
import { givenAuthorities, givenIdentity, namesNotGiven } from '../given-tls.js';
import { dropIn } from '../drop-in.js';
import { accountsOf, clientVersion, hostPort, hostsWith, majorVersions, tlsCopies, tlsFiles } from '../layout.js';
import { variables } from '../variables.js';
import { virtualAddressesOf } from '../vip/address.js';
import { shareOf } from './limits.js';
import { wayOf, type PoolerWay } from './way.js';

/** Where its socket is, which systemd makes for its user. */
const RUNTIME = '/run/pgbouncer';

/** What is added to the packages' units. */
const DROP_IN = '/etc/systemd/system/pgbouncer.service.d/pgprov.conf';

/** The database that has the function for passwords, the one that every cluster has. */
export const LOOKUP_DATABASE = 'postgres';

/** What it is called in PgBouncer where that looks for passwords, so that this can be held up without anybody who is logged in. */
export const LOOKUP_POOL = 'pgprov_lookup';

/** Connections for it: PostgreSQL answers within a millisecond, so they serve many logins. */
const LOOKUP_POOL_SIZE = 5;

/** PgBouncer's settings, by the names that its console shows. */
export type PoolerSettings = readonly (readonly [name: string, value: string])[];

/** How to reach the console of a host's PgBouncer. */
export function consoleOf({ host, inventory, platform }: Pick<RoleContext, 'host' | 'inventory' | 'platform'>): PoolerConsole {
  return {
    psql: [clientVersion(inventory) ?? [], majorVersions()].flat().map((major) => `${platform.postgresql(major).binDirectory}/psql`),
    user: platform.pgbouncer.user,
    socketDirectory: RUNTIME,
    port: variables(host, 'pgbouncer').port,
  };
}

/** Whether clients may use TLS, and whether servers do. */
function tlsOf(host: Host, inventory: Pick<Inventory, 'hosts'>): { clients: 'off' | 'offered' | 'required'; servers: boolean } {
  const servers = hostsWith(inventory, 'postgresql');
  return {
    clients: variables(host, 'pgbouncer').tls,
    servers: servers.length > 0 && servers.every((server) => variables(server, 'postgresql').tls),
  };
}

/**
 * That PgBouncer has copies of the host's key pair and of the authorities; undefined where neither its clients nor servers use TLS. Where only servers
 * do, it needs the authorities alone, which change with all other copies.
 */
export function poolerIdentity(host: Host, inventory: Pick<Inventory, 'hosts'>): TlsIdentity | undefined {
  const { clients, servers } = tlsOf(host, inventory);
  if (clients === 'off' && !servers) return undefined;
  const { given, authorities: own } = givenIdentity(host, 'pgbouncer');
  const authorities = servers ? givenAuthorities(hostsWith(inventory, 'postgresql'), 'postgresql') : own;
  return {
    ...(given === undefined ? {} : { given }),
    // It checks servers with them; clients know theirs.
    ...(authorities === undefined ? {} : { authorities }),
    names: [...variables(host, 'pgbouncer').tls_names, ...virtualAddressesOf(host)],
    copies: ({ pgbouncer }) => tlsCopies(pgbouncer),
    inUse: (view, { name }, fingerprint) => {
      const unit = view.platform(name)?.pgbouncer.unit;
      const service = clients === 'off' && unit !== undefined ? view.read(name, serviceHandle(unit)) : undefined;
      if (service !== undefined) return service.active === 'active' && service.rewritten !== true;
      const presented = view.read(name, POOLER_CERTIFICATE)?.presented;
      return presented === undefined || fingerprint === undefined ? undefined : presented === fingerprint;
    },
  };
}

/** Which certificate PgBouncer presents to clients; nothing where they do not use TLS. */
export function presentedByPooler({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): Observation[] {
  const { tls, port } = variables(host, 'pgbouncer');
  const { certificate } = tlsFiles(platform.pgbouncer);
  return tls === 'off' ? [] : [serverCertificate(hostPort('127.0.0.1', port), certificate, POOLER_CERTIFICATE)];
}

/** PgBouncer's files and what it is started with. */
export interface PoolerConfiguration {
  /** In the order in which they are written; the last one is the configuration, which takes its place once PgBouncer has accepted it. */
  files: readonly Resource[];
  /** The part of it that takes a restart. */
  listening: { digest(): string };
  unit: Resource;
  /** What the running process shows of this configuration alone. */
  mark: string;
}

/** All that a PgBouncer reads. */
export function poolerConfiguration(context: RoleContext): PoolerConfiguration {
  const { platform, template, inventory } = context;
  const { user: owner, group, configFile, userFile, program } = platform.pgbouncer;
  const { name, password } = accountsOf(context).pooler;
  const values = { cluster: inventory.cluster, databases: databaseLines(context), settings: poolerSettings(context) };
  const render = (mark: string): string => template('pgbouncer/pgbouncer.ini', { ...values, mark });
  const mark = `pgbouncer-${digestOf(render('')).slice(0, 12)}`;
  const secret = { owner, group, mode: '0600' };
  const [directory, unit] = dropIn(DROP_IN, template('pgbouncer/unit.conf', {}));
  return {
    files: [
      directory,
      unit,
      ...certificates(context),
      file({ ...secret, path: userFile, content: `${quoted(name)} ${quoted(password.reveal())}\n` }) as Resource,
      file({ ...secret, path: configFile, content: render(mark), check: trial(owner, program) }) as Resource,
    ],
    listening: { digest: () => digestOf(...LISTENING.map((setting) => Object.fromEntries(values.settings)[setting] ?? '')) },
    unit,
    mark,
  };
}

/** Settings that PgBouncer reads when it starts. */
const LISTENING = ['listen_addr', 'listen_port', 'unix_socket_dir', 'unix_socket_mode'];

function certificates(context: RoleContext): Resource[] {
  const { host, inventory, platform } = context;
  const identity = poolerIdentity(host, inventory);
  if (identity === undefined) return [];
  const { directory, authority, pair } = tlsResources(context, identity.copies(platform), identity);
  return [directory, authority, ...pair];
}

function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

/** PgBouncer has no check of a file: it is started with the new one for a moment, on a socket that nobody knows. */
function trial(user: string, program: string): Script {
  return sh`umask 077
trial=$(mktemp -d /run/pgprov-trial.XXXXXX)
trap 'rm -rf "$trial"' EXIT
{ cat "$new"; printf '%s\n' '[pgbouncer]' 'listen_addr =' "unix_socket_dir = $trial" 'syslog = 0'; } >"$trial/ini"
chown -R ${user} "$trial"
timeout -s QUIT 20 runuser -u ${user} -- ${program} "$trial/ini" >"$trial/log" 2>&1 &
tried=$!
accepted=
while kill -0 "$tried" 2>/dev/null; do
for socket in "$trial"/.s.PGSQL.*; do [ ! -S "$socket" ] || accepted=yes; done
[ -z "$accepted" ] || break
sleep 0.05
done
kill -QUIT "$tried" 2>/dev/null || :
wait "$tried" 2>/dev/null || :
if [ -z "$accepted" ]; then
echo 'PgBouncer refuses this configuration; the one that it runs with stays:'
sed "s|$trial/ini|the file|; / LOG /d" "$trial/log"
exit 1
fi`;
}

/** What PgBouncer's own file says, without the databases. */
export function poolerSettings({ host, inventory, platform }: Pick<RoleContext, 'host' | 'inventory' | 'platform'>): PoolerSettings {
  const given = variables(host, 'pgbouncer');
  const { clients, servers } = tlsOf(host, inventory);
  const { certificate, key, ca } = tlsFiles(platform.pgbouncer);
  const way = wayOf(host, inventory);
  const settings: (readonly [string, string | number])[] = [
    ['listen_addr', host.clusterAddress.includes(':') ? '*' : '0.0.0.0'],
    ['listen_port', given.port],
    ['unix_socket_dir', RUNTIME],
    ['unix_socket_mode', '0700'],
    ['auth_type', 'scram-sha-256'],
    ['auth_file', platform.pgbouncer.userFile],
    ['auth_user', given.auth_username],
    ['auth_dbname', LOOKUP_POOL],
    ['auth_query', LOOKUP_QUERY],
    ['pool_mode', given.pool_mode],
    ['max_client_conn', given.max_client_conn],
    ['default_pool_size', given.default_pool_size],
    ['max_db_connections', given.max_db_connections ?? shareOf(inventory)],
    ['max_prepared_statements', given.max_prepared_statements],
    ['query_wait_timeout', given.query_wait_timeout],
    ['client_login_timeout', given.query_wait_timeout],
    ['server_login_retry', 1],
    ['server_connect_timeout', 5],
    ['tcp_keepidle', 30],
    ['tcp_keepintvl', 10],
    ['tcp_keepcnt', 3],
    ['tcp_user_timeout', 30000],
    ['ignore_startup_parameters', 'extra_float_digits'],
    ['log_connections', 0],
    ['log_disconnections', 0],
    ['syslog', platform.pgbouncer.isQuiet === true ? 1 : 0],
    ['client_tls_sslmode', { off: 'disable', offered: 'prefer', required: 'require' }[clients]],
    ...(clients === 'off'
      ? []
      : ([
          ['client_tls_cert_file', certificate],
          ['client_tls_key_file', key],
        ] as const)),
    ['server_tls_sslmode', servers ? (isNamed(way, inventory) ? 'verify-full' : 'verify-ca') : 'disable'],
    ...(servers ? ([['server_tls_ca_file', ca]] as const) : []),
  ];
  return settings.map(([name, value]) => [name, String(value)]);
}

/** Whether the certificate of who answers there has the address: that of a proxy is in none, and a given one may lack that of the server. */
function isNamed(way: PoolerWay | undefined, inventory: Pick<Inventory, 'hosts'>): boolean {
  if (way?.direct !== true) return false;
  return hostsWith(inventory, 'postgresql').every((server) => (namesNotGiven(server, 'postgresql', way.addresses) ?? []).length === 0);
}

/** Lines of the section of databases: the names that differ, and where all others lead. */
function databaseLines({ host, inventory }: RoleContext): string[] {
  const way = wayOf(host, inventory);
  if (way === undefined) return [];
  const { databases } = variables(host, 'pgbouncer');
  return [
    ...databases.map(({ name, database, pool_mode, read_only, pool_size }) =>
      [
        `${name} = ${leadsTo(way, read_only === true)} dbname=${database ?? name}`,
        ...(pool_mode === undefined ? [] : [`pool_mode=${pool_mode}`]),
        ...(pool_size === undefined ? [] : [`pool_size=${pool_size}`]),
      ].join(' '),
    ),
    `${LOOKUP_POOL} = ${leadsTo(way, false)} dbname=${LOOKUP_DATABASE} pool_mode=transaction pool_size=${LOOKUP_POOL_SIZE}`,
    `* = ${leadsTo(way, false)}`,
  ];
}

function leadsTo({ addresses, leader, replicas = leader }: PoolerWay, isReadOnly: boolean): string {
  const several = addresses.length > 1 ? ' load_balance_hosts=disable' : '';
  return `host=${addresses.join(',')} port=${isReadOnly ? replicas : leader}${several}`;
}
