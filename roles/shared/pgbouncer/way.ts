import { topologyOf, type Host, type Inventory } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { variables } from '../variables.js';

/** Where a PgBouncer connects to. */
export interface PoolerWay {
  /** Addresses that lead to the same servers, in the order in which they are tried. */
  addresses: readonly string[];
  /** The port that leads to who takes writes. */
  leader: number;
  /** The port that leads to the replicas; undefined: nothing there leads to them. */
  replicas?: number;
  /** Hosts whose address PostgreSQL sees. */
  seenAs: readonly Host[];
  /** The address is the server's own, and in its certificate. */
  direct: boolean;
}

/** The hosts that have PgBouncer. */
export function poolers({ hosts }: Pick<Inventory, 'hosts'>): Host[] {
  return hostsWith({ hosts }, 'pgbouncer');
}

/**
 * Where the PgBouncer of a host connects to: HAProxy on the same host, else all of the inventory, because PgBouncer cannot tell who leads; without
 * any the one server that there is. Undefined where nothing leads to the right server.
 */
export function wayOf(host: Host, inventory: Pick<Inventory, 'hosts'>): PoolerWay | undefined {
  const proxies = hostsWith(inventory, 'haproxy');
  const [first] = proxies;
  if (first !== undefined) {
    const here = proxies.find(({ name }) => name === host.name);
    const { primary_port: leader, replica_port: replicas } = variables(here ?? first, 'haproxy');
    return here === undefined
      ? { addresses: proxies.map(({ clusterAddress }) => clusterAddress), leader, replicas, seenAs: proxies, direct: false }
      : { addresses: ['127.0.0.1'], leader, replicas, seenAs: [here], direct: false };
  }
  const [server, ...others] = hostsWith(inventory, 'postgresql');
  if (server === undefined || others.length > 0 || topologyOf(server) !== 'single') return undefined;
  return { addresses: [server.clusterAddress], leader: variables(server, 'postgresql').port, seenAs: [host], direct: true };
}
