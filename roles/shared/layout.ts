import { isIPv6 } from 'node:net';
import type { EtcdClient, Host, Inventory, Platform, RoleContext, Secret, ServiceLayout } from '../../src/index.js';
import { variables } from './variables.js';

export { localServer } from '../../src/index.js';

/** The hosts of an inventory that have a role, in its order. */
export function hostsWith(inventory: Inventory, role: string): Host[] {
  return inventory.hosts.filter((host) => host.roles.includes(role));
}

/** `address:port`, with brackets around an IPv6 address. */
export function hostPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Where PostgreSQL's data is on a host; never with a slash at the end, for other names are made by adding to it. */
export function dataDirectoryOf(host: Host, platform: Platform): string {
  const { version, name, data_dir } = variables(host, 'postgresql');
  return data_dir?.replace(/(?<=[^/])\/+$/u, '') ?? platform.postgresql(version).dataDirectory(name);
}

/** URL of a member's Patroni REST API. */
export function restApiUrl(host: Host): string {
  return `http://${hostPort(host.clusterAddress, variables(host, 'patroni').restapi_port)}`;
}

/** The Patroni scope; the cluster's name unless given. */
export function scopeOf(inventory: Inventory, host: Host): string {
  return variables(host, 'patroni').scope ?? inventory.cluster;
}

/** Prefix of the scope's keys in etcd, e.g. `/service/demo/`. */
export function scopePrefix(inventory: Inventory, host: Host): string {
  const parts = variables(host, 'patroni').namespace.split('/').filter((part) => part !== '');
  return ['', ...parts, scopeOf(inventory, host), ''].join('/');
}

/** Files with which a process on the host is a client of etcd. */
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

/** Client URLs of all etcd members, the host's own first. */
export function etcdEndpoints(inventory: Inventory, host: Host): string[] {
  const members = hostsWith(inventory, 'etcd');
  const ordered = [...members.filter(({ name }) => name === host.name), ...members.filter(({ name }) => name !== host.name)];
  return ordered.map((member) => `https://${hostPort(member.clusterAddress, variables(member, 'etcd').client_port)}`);
}

/** How root on the host talks to etcd, with the keys of one of its services. */
export function etcdClient(context: Pick<RoleContext, 'inventory' | 'host'>, files: TlsFiles): EtcdClient {
  return {
    endpoints: etcdEndpoints(context.inventory, context.host),
    caFile: files.ca,
    certFile: files.certificate,
    keyFile: files.key,
  };
}

/** Every database account that pgprov knows, with its password. */
export interface Accounts {
  superuser: { name: string; password: Secret };
  replication: { name: string; password: Secret };
  rewind: { name: string; password: Secret };
  restApi: { name: string; password: Secret };
}

/** Names and passwords of the cluster's accounts, given or generated. */
export function accountsOf({ host, material }: Pick<RoleContext, 'host' | 'material'>): Accounts {
  const postgresql = variables(host, 'postgresql');
  const replication = variables(host, 'replication');
  const patroni = variables(host, 'patroni');
  return {
    superuser: { name: postgresql.superuser, password: material.password('postgresql.superuser_password', postgresql.superuser_password) },
    replication: { name: replication.username ?? 'replicator', password: material.password('replication.password', replication.password) },
    rewind: { name: patroni.rewind_username, password: material.password('patroni.rewind_password', patroni.rewind_password) },
    restApi: { name: patroni.restapi_username, password: material.password('patroni.restapi_password', patroni.restapi_password) },
  };
}
