import { variablesOf, type FromVariables, type Host } from '../../src/index.js';
import { BACKUP_REPOSITORY_VARIABLES } from './sections/backup-repository.js';
import { BACKUP_VARIABLES } from './sections/backup.js';
import { BASE_VARIABLES } from './sections/base.js';
import { CONSUL_AGENT_VARIABLES } from './sections/consul-agent.js';
import { CONSUL_VARIABLES } from './sections/consul.js';
import { ETCD_VARIABLES } from './sections/etcd.js';
import { FIREWALL_VARIABLES } from './sections/firewall.js';
import { HAPROXY_VARIABLES } from './sections/haproxy.js';
import { PATRONI_VARIABLES } from './sections/patroni.js';
import { PGBOUNCER_VARIABLES } from './sections/pgbouncer.js';
import { PGDG_VARIABLES } from './sections/pgdg.js';
import { POSTGRESQL_VARIABLES } from './sections/postgresql.js';
import { REPLICATION_VARIABLES } from './sections/replication.js';
import { VIP_VARIABLES } from './sections/vip.js';

const SECTIONS = {
  base: BASE_VARIABLES,
  firewall: FIREWALL_VARIABLES,
  pgdg: PGDG_VARIABLES,
  postgresql: POSTGRESQL_VARIABLES,
  replication: REPLICATION_VARIABLES,
  etcd: ETCD_VARIABLES,
  consul: CONSUL_VARIABLES,
  'consul-agent': CONSUL_AGENT_VARIABLES,
  patroni: PATRONI_VARIABLES,
  backup: BACKUP_VARIABLES,
  'backup-repository': BACKUP_REPOSITORY_VARIABLES,
  haproxy: HAPROXY_VARIABLES,
  pgbouncer: PGBOUNCER_VARIABLES,
  vip: VIP_VARIABLES,
} as const;

type Sections = typeof SECTIONS;

/**
 * One role's resolved variables on a host that has the role.
 * @throws RangeError for a host that does not have it
 */
export function variables<Name extends keyof Sections>(host: Host, role: Name): FromVariables<Sections[Name]> {
  return variablesOf(host, role, SECTIONS[role]);
}

/** The same for any host; undefined where it does not have the role. */
export function variablesIfAny<Name extends keyof Sections>(host: Host, role: Name): FromVariables<Sections[Name]> | undefined {
  return host.roles.includes(role) ? variables(host, role) : undefined;
}
