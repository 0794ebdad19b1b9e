import type { VariablesSchema } from '../../../src/index.js';
import { PASSWORD } from '../schemas.js';

const PORT = { change: 'free', type: 'integer', minimum: 1, maximum: 65535 } as const;

/** The variables of the role haproxy. */
export const HAPROXY_VARIABLES = {
  type: 'object',
  description:
    'One address for clients, whoever leads: HAProxy asks Patroni of every member, and passes connections on as they are, TLS included.',
  properties: {
    primary_port: { ...PORT, default: 5000, description: 'TCP port that leads to the leader.' },
    replica_port: {
      ...PORT,
      default: 5001,
      description: 'TCP port that leads to the replicas, to that with the fewest connections first.',
    },
    stats_port: { ...PORT, default: 7000, description: 'TCP port of the page of statistics, with a password.' },
    stats_username: {
      change: 'free',
      type: 'string',
      pattern: '^[A-Za-z0-9_.@-]{1,64}$',
      expects: 'letters, digits and _ . @ -',
      default: 'admin',
      description: 'Who may read the page of statistics.',
    },
    stats_password: {
      change: 'free',
      ...PASSWORD,
      pattern: '^[!-&(-9;-~]{1,200}$',
      expects: 'printable ASCII characters, 200 at most, without blanks, colons and single quotes',
      description: 'The password for it. Generated on first use when not given.',
    },
    stats_networks: {
      change: 'free',
      type: 'array',
      items: { type: 'string' },
      default: [],
      examples: [['192.0.2.9', '198.51.100.0/24']],
      description: 'From where the page may be read, if the role firewall opens ports. Default: from nowhere.',
    },
    maximum_lag: {
      change: 'free',
      type: 'integer',
      minimum: 0,
      default: 16777216,
      description: 'Bytes that a replica may be behind and still get connections.',
    },
    replica_fallback: {
      change: 'free',
      type: 'boolean',
      default: true,
      description: 'Whether the replica port leads to the leader while no replica is fit; otherwise it then closes connections at once.',
    },
    check_interval: {
      change: 'free',
      type: 'integer',
      minimum: 100,
      maximum: 60000,
      default: 1000,
      description:
        'Milliseconds between two checks of a member; a quarter of it while it does not serve a port, and after a connection that failed.',
    },
    connect_timeout: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 300,
      default: 4,
      description: 'Seconds that a member may take to accept a connection.',
    },
    idle_timeout: {
      change: 'free',
      type: 'integer',
      minimum: 60,
      default: 86400,
      description: 'Seconds after which a connection is closed on which nothing was sent; those of pools are idle for hours.',
    },
    maxconn: {
      change: 'free',
      type: 'integer',
      minimum: 10,
      default: 2000,
      description: 'Connections of clients at most, over all ports.',
    },
    server_maxconn: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      description:
        'Connections to a member at most; further clients wait. Over all proxies it should stay below max_connections. Default: PostgreSQL refuses them.',
    },
  },
} as const satisfies VariablesSchema;
