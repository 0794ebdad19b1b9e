import { InputError } from '../../lib/errors.js';
import { Secret } from '../../lib/secret.js';
import { certificatesIn, namesMissing } from '../../store/given.js';
import type { SecretReference } from '../../secrets/reference.js';
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
  /** Where the authorities are that the inventory gives, each once; undefined in it: in the inventory itself. Undefined: the cluster's own signed them. */
  given?: readonly (SecretReference | undefined)[];
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
  if (pools.length > 0) return { endpoints: pools, wants, ...certified(hosts) };
  // The servers' certificates have the virtual address.
  const virtual = direct ? [] : entrancesThat(hosts, wanted);
  if (virtual.length > 0) return { endpoints: virtual, wants, ...verified(hosts, () => virtual.map(({ address }) => address)) };
  const through = direct ? [] : portsThat(hosts, wanted);
  // Right after a leader was lost a proxy may still lead to it; who reads gets whatever the proxy has.
  if (through.length > 0) return { endpoints: through, wants, ...verified(hosts, undefined) };
  const servers = portsThat(hosts, 'itself');
  if (servers.length === 0) {
    throw new InputError({
      kind: 'dsn/no-server',
      message: 'no host of the inventory has PostgreSQL that clients could connect to',
      hint: 'give a host the role postgresql',
    });
  }
  const alone = hosts.filter(({ roles }) => roles.includes('postgresql')).every((host) => topologyOf(host) === 'single');
  if (alone) return { endpoints: servers, wants, ...verified(hosts, ownAddress) };
  return { endpoints: servers, wants: readOnly ? 'prefer-standby' : 'read-write', ...verified(hosts, ownAddress) };
}

/** How the servers' certificates are checked where clients connect to these addresses of a host; undefined: to those of a proxy. */
function verified(hosts: readonly Host[], addresses: ((host: Host) => readonly string[]) | undefined): Pick<Way, 'verifies' | 'given'> {
  const servers = hosts.filter(({ roles }) => roles.includes('postgresql'));
  if (!servers.every(({ vars }) => vars['postgresql']?.['tls'] === true)) return {};
  const isWhole = addresses !== undefined && servers.every((host) => isNamed(host, 'postgresql', addresses(host)));
  return { verifies: isWhole ? 'verify-full' : 'verify-ca', ...givenFor(servers, 'postgresql') };
}

/** The same for pools, where all have certificates, which have their own addresses in them. */
function certified(hosts: readonly Host[]): Pick<Way, 'verifies' | 'given'> {
  const poolers = hosts.filter(({ ports }) => ports.some(({ pooled }) => pooled === true));
  if (!poolers.every(({ ports }) => ports.every(({ pooled, certificate }) => pooled !== true || certificate === true))) return {};
  const isWhole = poolers.every((host) => isNamed(host, 'pgbouncer', ownAddress(host)));
  return { verifies: isWhole ? 'verify-full' : 'verify-ca', ...givenFor(poolers, 'pgbouncer') };
}

const ownAddress = ({ clusterAddress }: Host): readonly string[] => [clusterAddress];

/** Whether a certificate has these addresses: those of the cluster's authority do; one that was not fetched is taken to. */
function isNamed({ vars }: Host, role: string, addresses: readonly string[]): boolean {
  const text = vars[role]?.['tls_certificate'];
  const [own] = text instanceof Secret && text.isHere ? certificatesIn(text.reveal()) : [];
  return own === undefined || namesMissing(own, addresses).length === 0;
}

function givenFor(hosts: readonly Host[], role: string): Pick<Way, 'given'> {
  const path = `${role}.tls_ca`;
  const references = hosts
    .filter(({ vars }) => vars[role]?.['tls_ca'] !== undefined)
    .map(({ provenance }) => provenance.get(path)?.reference);
  if (references.length === 0) return {};
  return { given: [...new Map(references.map((reference) => [JSON.stringify(reference), reference])).values()] };
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
