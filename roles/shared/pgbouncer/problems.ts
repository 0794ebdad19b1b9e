import { hbaAdmits, type Host, type Inventory, type VariableProblem } from '../../../src/index.js';
import { givenTlsProblems, givenTlsWarnings } from '../given-tls.js';
import { hostsWith } from '../layout.js';
import { clientLines } from '../access.js';
import { variables } from '../variables.js';
import { virtualAddressesOf } from '../vip/address.js';
import { maxConnections, shareOf } from './limits.js';
import { wayOf } from './way.js';

type Hosts = Pick<Inventory, 'hosts'>;

/** What of a PgBouncer cannot work, whatever hosts answer. */
export function poolerProblems(hosts: readonly Host[], inventory: Hosts): VariableProblem[] {
  return [
    ...hosts.flatMap((host) => [...withoutWay(host, inventory), ...portsDiffer(host, inventory), ...entryProblems(host, inventory)]),
    ...givenTlsProblems(hosts, 'pgbouncer'),
  ];
}

function withoutWay(host: Host, inventory: Hosts): VariableProblem[] {
  if (wayOf(host, inventory) !== undefined) return [];
  return [
    {
      host,
      path: 'roles',
      message:
        'the role pgbouncer needs something that leads to the leader: PgBouncer itself takes any server that lets it in, a standby too',
      hint: 'give this host, or hosts of their own, the role haproxy; without it PgBouncer is for an inventory with one server',
    },
  ];
}

/** PgBouncer takes several addresses, and one port for all of them. */
function portsDiffer(host: Host, inventory: Hosts): VariableProblem[] {
  if (host.roles.includes('haproxy')) return [];
  const ports = hostsWith(inventory, 'haproxy').map((proxy) => {
    const { primary_port, replica_port } = variables(proxy, 'haproxy');
    return `${primary_port} and ${replica_port}`;
  });
  if (new Set(ports).size < 2) return [];
  return [
    {
      host,
      path: 'roles',
      message: `PgBouncer goes through every HAProxy of the inventory on the same ports, and these have ${[...new Set(ports)].join('; ')}`,
      hint: 'give haproxy.primary_port and haproxy.replica_port for all hosts alike, or this host the role haproxy as well',
    },
  ];
}

function entryProblems(host: Host, inventory: Hosts): VariableProblem[] {
  const { databases } = variables(host, 'pgbouncer');
  const way = wayOf(host, inventory);
  return databases.flatMap(({ name, read_only }, entry): VariableProblem[] => {
    const at = { host, path: 'pgbouncer.databases', entry };
    if (databases.findIndex((other) => other.name === name) < entry)
      return [{ ...at, message: `${name} is there twice`, hint: 'leave out one of the two' }];
    if (read_only === true && way !== undefined && way.replicas === undefined)
      return [{ ...at, message: `${name} is read_only, and without HAProxy nothing leads to replicas`, hint: 'leave out read_only' }];
    return [];
  });
}

/** What works, and not as somebody may expect it. */
export function poolerWarnings(hosts: readonly Host[], inventory: Hosts): VariableProblem[] {
  return [
    ...spent(hosts, inventory),
    ...unadmitted(hosts, inventory),
    ...givenTlsWarnings(hosts, 'pgbouncer', (host) => [host.clusterAddress, ...virtualAddressesOf(host)]),
  ];
}

/** PostgreSQL would refuse connections before PgBouncer has clients wait. */
function spent(hosts: readonly Host[], inventory: Hosts): VariableProblem[] {
  const total = hosts.reduce((sum, host) => sum + (variables(host, 'pgbouncer').max_db_connections ?? 0), 0);
  const [first] = hosts;
  const most = maxConnections(inventory);
  if (first === undefined || total <= most) return [];
  return [
    {
      host: first,
      path: 'pgbouncer.max_db_connections',
      message: `over ${hosts.length === 1 ? 'this host' : `${hosts.length} hosts`} that makes ${total} connections to a database, and max_connections is ${most}: PostgreSQL refuses more instead of having clients wait`,
      hint: `give ${shareOf(inventory)} or less, or raise max_connections in postgresql.parameters`,
    },
  ];
}

/** PostgreSQL sees the address of what PgBouncer goes through; that of a proxy the role haproxy warns of. */
function unadmitted(hosts: readonly Host[], inventory: Hosts): VariableProblem[] {
  return hosts.flatMap((host): VariableProblem[] => {
    const way = wayOf(host, inventory);
    if (way?.direct !== true) return [];
    const { clusterAddress } = host;
    const closed = hostsWith(inventory, 'postgresql').filter((server) => {
      const { version } = variables(server, 'postgresql');
      const lines = clientLines(server, inventory.hosts);
      return server.name !== host.name && !lines.some(({ line }) => hbaAdmits(line, clusterAddress, version));
    });
    const [server] = closed;
    if (server === undefined) return [];
    return [
      {
        host: server,
        path: 'postgresql.hba',
        message: `no line lets clients in that come through ${host.name}: PostgreSQL sees its address, ${clusterAddress}`,
        hint: `add a line such as "host all all ${clusterAddress}${clusterAddress.includes(':') ? '/128' : '/32'} scram-sha-256"`,
      },
    ];
  });
}
