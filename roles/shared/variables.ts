import type { Host, Secret } from '../../src/index.js';

/** Resolved variables of each role, as their schemas promise them. */
export interface BaseVariables {
  manage_hosts_file: boolean;
  prerequisites?: readonly string[];
  package_lock_timeout: number;
  max_clock_skew: number;
  min_free_space: number;
  min_memory: number;
}

export interface FirewallVariables {
  backend: 'auto' | 'firewalld' | 'ufw' | 'nftables' | 'none';
  client_networks: readonly string[];
  member_networks: readonly string[];
}

export interface PgdgVariables {
  base_url?: string;
  key_url?: string;
  key?: string;
  key_fingerprint?: string;
  crb: boolean;
  epel: boolean;
}

export interface PostgresqlVariables {
  version: number;
  port: number;
  name: string;
  data_dir?: string;
  parameters: Readonly<Record<string, string | number | boolean>>;
  hba: readonly string[];
  encoding: string;
  locale: string;
  superuser: string;
  superuser_password?: Secret;
}

export interface ReplicationVariables {
  username: string;
  password?: Secret;
}

export interface EtcdVariables {
  client_port: number;
  peer_port: number;
  data_dir?: string;
  heartbeat_interval: number;
  election_timeout: number;
  quota_backend_bytes: number;
}

export interface PatroniVariables {
  scope?: string;
  namespace: string;
  ttl: number;
  loop_wait: number;
  retry_timeout: number;
  maximum_lag_on_failover: number;
  synchronous_mode: boolean;
  synchronous_mode_strict: boolean;
  watchdog: string;
  watchdog_device: string;
  tags: Readonly<Record<string, string | number | boolean>>;
  restapi_port: number;
  restapi_username: string;
  restapi_password?: Secret;
  rewind_username: string;
  rewind_password?: Secret;
  dynamic: Readonly<Record<string, unknown>>;
}

interface Sections {
  base: BaseVariables;
  firewall: FirewallVariables;
  pgdg: PgdgVariables;
  postgresql: PostgresqlVariables;
  replication: ReplicationVariables;
  etcd: EtcdVariables;
  patroni: PatroniVariables;
}

/** One role's resolved variables on a host that has the role. */
export function variables<Name extends keyof Sections>(host: Host, role: Name): Sections[Name] {
  return (host.vars[role] ?? {}) as unknown as Sections[Name];
}
