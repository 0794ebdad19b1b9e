import type { Role } from '../src/index.js';
import backup from './backup.js';
import backupRepository from './backup-repository.js';
import base from './base.js';
import consul from './consul.js';
import consulAgent from './consul-agent.js';
import etcd from './etcd.js';
import firewall from './firewall.js';
import haproxy from './haproxy.js';
import patroni from './patroni.js';
import pgbouncer from './pgbouncer.js';
import pgdg from './pgdg.js';
import postgresql from './postgresql.js';
import replication from './replication.js';
import vip from './vip.js';

/** The roles that come with pgprov, in the order in which they are applied. */
export const CATALOG: readonly Role[] = [
  base,
  firewall,
  pgdg,
  postgresql,
  etcd,
  consul,
  consulAgent,
  replication,
  patroni,
  backup,
  backupRepository,
  haproxy,
  pgbouncer,
  vip,
];
