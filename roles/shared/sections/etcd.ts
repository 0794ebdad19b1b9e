import type { VariablesSchema } from '../../../src/index.js';
import { DIRECTORY, VERSION } from '../schemas.js';

/** The variables of the role etcd. */
export const ETCD_VARIABLES = {
  type: 'object',
  description: 'The distributed configuration store that Patroni elects its leader in.',
  properties: {
    version: {
      change: 'free',
      ...VERSION,
      scope: 'cluster',
      description:
        'The version of etcd, such as "3.5.16", in quotes. A new host gets it, and [an update](update.md) goes to it and no further. Default: the newest that the repositories have.',
    },
    client_port: {
      change: 'recreate',
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 2379,
      scope: 'cluster',
      description: 'TCP port for clients.',
    },
    peer_port: {
      change: 'recreate',
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 2380,
      scope: 'cluster',
      description: 'TCP port between members.',
    },
    data_dir: {
      change: 'recreate',
      ...DIRECTORY,
      description: 'Data directory. Default: /var/lib/etcd/<cluster>.',
    },
    heartbeat_interval: {
      change: 'restart',
      type: 'integer',
      minimum: 10,
      maximum: 10000,
      default: 100,
      scope: 'cluster',
      description: 'Milliseconds between heartbeats; about the round-trip time between members.',
    },
    election_timeout: {
      change: 'restart',
      type: 'integer',
      minimum: 50,
      maximum: 50000,
      default: 1000,
      scope: 'cluster',
      description: 'Milliseconds without a heartbeat before an election; at least five heartbeats, better ten.',
    },
    quota_backend_bytes: {
      change: 'restart',
      type: 'integer',
      minimum: 67108864,
      default: 2147483648,
      description: 'Bytes to which the database may grow before etcd refuses writes.',
    },
  },
} as const satisfies VariablesSchema;
