import { digestOf, file, sh, type Host, type Resource, type RoleContext } from '../../../src/index.js';
import { hostPort } from '../layout.js';
import { variables } from '../variables.js';
import { proxiedMembers } from './members.js';

/** HAProxy's unit, and the path of its configuration, in all packages. */
export const HAPROXY_UNIT = 'haproxy';
const CONFIG_FILE = '/etc/haproxy/haproxy.cfg';

/** Where HAProxy's process is locked in, and has its sockets. */
const RUNTIME = '/var/lib/haproxy';

/** The socket on which root reads the statistics, without a password. */
export const STATISTICS_SOCKET = `${RUNTIME}/statistics`;

/** HAProxy's configuration, with the name that its running process shows. */
export interface ProxyConfiguration {
  file: Resource;
  /** An empty backend that this configuration alone has. */
  mark: string;
}

/** HAProxy's configuration, which takes its place only once HAProxy has accepted it. */
export function proxyConfiguration(context: RoleContext): ProxyConfiguration {
  const render = (mark: string): string => context.template('haproxy/haproxy.cfg', { ...values(context), mark });
  const mark = `pgprov-${digestOf(render('')).slice(0, 12)}`;
  return {
    mark,
    file: file({
      path: CONFIG_FILE,
      mode: '0600',
      content: render(mark),
      check: sh`said=$(haproxy -c -f "$new" 2>&1) || { echo "$said"; echo 'HAProxy refuses this configuration; the one that it runs with stays'; exit 1; }`,
    }) as Resource,
  };
}

function values({ host, inventory, credentials }: RoleContext): object {
  const given = variables(host, 'haproxy');
  const bind = (port: number): string => (host.clusterAddress.includes(':') ? `[::]:${port} v4v6` : `0.0.0.0:${port}`);
  return {
    cluster: inventory.cluster,
    runtime: RUNTIME,
    socket: STATISTICS_SOCKET,
    maxconn: given.maxconn,
    serverMaxconn: given.server_maxconn ?? '',
    connectTimeout: given.connect_timeout,
    idleTimeout: given.idle_timeout,
    interval: given.check_interval,
    fastInterval: Math.ceil(given.check_interval / 4),
    maximumLag: given.maximum_lag,
    fallback: given.replica_fallback,
    primary: bind(given.primary_port),
    replica: bind(given.replica_port),
    statistics: bind(given.stats_port),
    login: `${given.stats_username}:${credentials.password(STATS_PASSWORD, given.stats_password).reveal()}`,
    members: proxiedMembers(inventory).map(serverOf),
  };
}

/** The store's name of the password for the statistics. */
export const STATS_PASSWORD = 'haproxy.stats_password';

function serverOf(member: Host): object {
  return {
    name: member.name,
    address: hostPort(member.clusterAddress, variables(member, 'postgresql').port),
    restApi: variables(member, 'patroni').restapi_port,
  };
}
