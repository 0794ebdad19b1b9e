import { isIPv6 } from 'node:net';
import type { Host, Inventory, RoleContext, Secret, ServiceLayout, TlsCopies } from '../../src/index.js';
import { POSTGRESQL_VARIABLES } from './sections/postgresql.js';
import { variables } from './variables.js';

export { dataDirectoryOf, localServer } from '../../src/index.js';

/** The hosts of an inventory that have a role, in its order. */
export function hostsWith(inventory: Pick<Inventory, 'hosts'>, role: string): Host[] {
  return inventory.hosts.filter((host) => host.roles.includes(role));
}

/** The major version of PostgreSQL whose programs a host without a server gets; undefined where no host has one. */
export function clientVersion(inventory: Pick<Inventory, 'hosts'>): number | undefined {
  const [server] = hostsWith(inventory, 'postgresql');
  return server === undefined ? undefined : variables(server, 'postgresql').version;
}

/** The major versions that the inventory may say, the newest first. */
export function majorVersions(): number[] {
  const { minimum, maximum } = POSTGRESQL_VARIABLES.properties.version;
  return Array.from({ length: maximum - minimum + 1 }, (_, index) => maximum - index);
}

/** `address:port`, with brackets around an IPv6 address. */
export function hostPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** URL of a member's Patroni REST API. */
export function restApiUrl(host: Host): string {
  return `http://${hostPort(host.clusterAddress, variables(host, 'patroni').restapi_port)}`;
}

/** The Patroni scope; the cluster's name unless given. */
export function scopeOf(inventory: Inventory, host: Host): string {
  return variables(host, 'patroni').scope ?? inventory.cluster;
}

/** Prefix of the scope's keys in the store, e.g. `/service/demo/`. */
export function scopePrefix(inventory: Inventory, host: Host): string {
  const parts = variables(host, 'patroni')
    .namespace.split('/')
    .filter((part) => part !== '');
  return ['', ...parts, scopeOf(inventory, host), ''].join('/');
}

/** Which copies of the host's key pair a service has that pgprov sets up. */
export function tlsCopies(service: Omit<ServiceLayout, 'packages'>): TlsCopies {
  const { user: owner, group, unit } = service;
  return { ...tlsFiles(service), owner, group, unit };
}

/** Files with which a process on the host is known to others over TLS. */
export interface TlsFiles {
  directory: string;
  ca: string;
  certificate: string;
  key: string;
}

/** The TLS files in a service's directory for them. */
export function tlsFiles({ tlsDirectory: directory }: Pick<ServiceLayout, 'tlsDirectory'>): TlsFiles {
  return { directory, ca: `${directory}/ca.crt`, certificate: `${directory}/node.crt`, key: `${directory}/node.key` };
}

/** Every database account that pgprov knows, with its password. */
export interface Accounts {
  readonly superuser: { name: string; password: Secret };
  readonly replication: { name: string; password: Secret };
  readonly rewind: { name: string; password: Secret };
  readonly restApi: { name: string; password: Secret };
  readonly pooler: { name: string; password: Secret };
}

/** Names and passwords of the cluster's accounts, given or generated; the host has the role of each that is read. */
export function accountsOf({ host, credentials }: Pick<RoleContext, 'host' | 'credentials'>): Accounts {
  return {
    get superuser() {
      const { superuser: name, superuser_password: given } = variables(host, 'postgresql');
      return { name, password: credentials.password('postgresql.superuser_password', given) };
    },
    get replication() {
      const { username: name, password: given } = variables(host, 'replication');
      return { name, password: credentials.password('replication.password', given) };
    },
    get rewind() {
      const { rewind_username: name, rewind_password: given } = variables(host, 'patroni');
      return { name, password: credentials.password('patroni.rewind_password', given) };
    },
    get restApi() {
      const { restapi_username: name, restapi_password: given } = variables(host, 'patroni');
      return { name, password: credentials.password('patroni.restapi_password', given) };
    },
    get pooler() {
      const { auth_username: name, auth_password: given } = variables(host, 'pgbouncer');
      return { name, password: credentials.password('pgbouncer.auth_password', given) };
    },
  };
}
