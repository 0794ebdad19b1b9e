import type { Platform } from './platform.js';

/** Where Consul is: the layout of Debian’s package, which is in no present release; its unit names the data directory. */
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
