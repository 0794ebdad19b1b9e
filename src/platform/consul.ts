import type { Platform } from './platform.js';

/**
 * Where Consul is, on all systems: Debian’s package, which is in no present release, and HashiCorp’s have the same unit, user and directory of
 * configuration. Debian’s unit names the data directory itself.
 */
export const CONSUL: Omit<Platform['consul'], 'patroniPackages'> = {
  unit: 'consul',
  tlsDirectory: '/etc/consul.d/tls',
  configFile: '/etc/consul.d/pgprov.json',
  dataDirectory: '/var/lib/consul',
  // Consul passes over directories below that of its configuration.
  managementTokenFile: '/etc/consul.d/tls/management.token',
  patroniTokenFile: '/etc/consul.d/tls/patroni.token',
  user: 'consul',
  group: 'consul',
};
