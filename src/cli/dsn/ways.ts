import { InputError } from '../../lib/errors.js';
import { topologyOf, type Entrance, type Host, type Inventory, type RolePort } from '../../model/index.js';

/** Where a client connects. */
export interface Endpoint {
  address: string;
  port: number;
}

/** What a client needs to find a server that suits it. */
export interface Way {
  /** In the order in which they are tried. */
  endpoints: readonly Endpoint[];
  /** Which of the servers will do: who takes writes, a standby where there is one, or any. */
  wants: 'read-write' | 'prefer-standby' | 'any';
  /**
   * How the certificate is checked: whole, or without its name, because a proxy's address is not in that of a server; undefined: the inventory
   * does not say that who listens there offers TLS.
   */
  verifies?: 'verify-full' | 'verify-ca';
}

/** Which way is meant. */
export interface WantedWay {
  readOnly: boolean;
  /** Past all proxies. */
  direct: boolean;
}

/**
 * The way in for clients: through pools where the inventory has them (PgBouncer) and the client may write, else through what leads to the right
 * server (a virtual address, HAProxy), otherwise to all servers.
 * @throws InputError where the inventory has no PostgreSQL
 */
export function wayIn({ hosts }: Pick<Inventory, 'hosts'>, { readOnly, direct }: WantedWay): Way {
  const wanted = readOnly ? 'replicas' : 'leader';
  const wants = readOnly ? 'any' : 'read-write';
  const pools = direct || readOnly ? [] : portsThat(hosts, 'leader', ({ pooled }) => pooled === true);
  if (pools.length > 0) return { endpoints: pools, wants, ...(isCertified(hosts) ? { verifies: 'verify-full' } : {}) };
  // The servers' certificates have the virtual address.
  const virtual = direct ? [] : entrancesThat(hosts, wanted);
  if (virtual.length > 0) return { endpoints: virtual, wants, ...verified(hosts, 'verify-full') };
  const through = direct ? [] : portsThat(hosts, wanted);
  // Right after a leader was lost a proxy may still lead to it; who reads gets whatever the proxy has.
  if (through.length > 0) return { endpoints: through, wants, ...verified(hosts, 'verify-ca') };
  const servers = portsThat(hosts, 'itself');
  if (servers.length === 0) {
    throw new InputError({
      kind: 'dsn/no-server',
      message: 'no host of the inventory has PostgreSQL that clients could connect to',
      hint: 'give a host the role postgresql',
    });
  }
  const alone = hosts.filter(({ roles }) => roles.includes('postgresql')).every((host) => topologyOf(host) === 'single');
  if (alone) return { endpoints: servers, wants, ...verified(hosts, 'verify-full') };
  return { endpoints: servers, wants: readOnly ? 'prefer-standby' : 'read-write', ...verified(hosts, 'verify-full') };
}

function verified(hosts: readonly Host[], how: NonNullable<Way['verifies']>): Pick<Way, 'verifies'> {
  const servers = hosts.filter(({ roles }) => roles.includes('postgresql'));
  return servers.every(({ vars }) => vars['postgresql']?.['tls'] === true) ? { verifies: how } : {};
}

/** Whether all pools have certificates of their own, which have their addresses in them. */
function isCertified(hosts: readonly Host[]): boolean {
  return hosts.every(({ ports }) => ports.every(({ pooled, certificate }) => pooled !== true || certificate === true));
}

/** The virtual addresses that lead there; hosts that share one give the same. */
function entrancesThat(hosts: readonly Host[], leadsTo: Entrance['leadsTo']): Endpoint[] {
  const found = hosts.flatMap(({ entrances }) => entrances.filter((entrance) => entrance.leadsTo === leadsTo));
  return [...new Map(found.map(({ address, port }) => [`${address} ${port}`, { address, port }])).values()];
}

function portsThat(
  hosts: readonly Host[],
  leadsTo: NonNullable<RolePort['leadsTo']>,
  suits: (port: RolePort) => boolean = () => true,
): Endpoint[] {
  return hosts.flatMap(({ clusterAddress: address, ports }) =>
    ports.filter((port) => port.leadsTo === leadsTo && suits(port)).map(({ port }) => ({ address, port })),
  );
}
