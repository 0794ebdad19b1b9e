import type { VariablesSchema } from '../../../src/index.js';
import { PASSWORD, ROLE_NAME } from '../schemas.js';
import { GIVEN_TLS_VARIABLES } from './given-tls.js';

const MODE = { type: 'string', enum: ['transaction', 'session'] } as const;

/** What PgBouncer’s file takes without quotes, and is no word of its console. */
const DATABASE = {
  type: 'string',
  pattern: '^(?!(?:pgbouncer|pgprov_lookup)$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$',
  expects: 'a name of letters, digits and _ . -, 63 characters at most, other than pgbouncer and pgprov_lookup',
} as const;

const ENTRY = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { ...DATABASE, description: 'What clients call it.' },
    database: { ...DATABASE, description: 'The database that it is. Default: the one of that name.' },
    pool_mode: { ...MODE, description: 'Default: that of all others.' },
    read_only: { type: 'boolean', description: 'It leads to the replicas, through HAProxy. Default: to the leader.' },
    pool_size: { type: 'integer', minimum: 1, maximum: 10000, description: 'Default: `default_pool_size`.' },
  },
} as const;

/** The variables of the role pgbouncer. */
export const PGBOUNCER_VARIABLES = {
  type: 'object',
  description:
    'Pools of connections, which many clients share. PgBouncer goes through HAProxy, which knows who leads, and asks PostgreSQL for passwords.',
  properties: {
    port: { change: 'restart', type: 'integer', minimum: 1, maximum: 65535, default: 6432, description: 'TCP port.' },
    pool_mode: {
      change: 'reload',
      ...MODE,
      default: 'transaction',
      description:
        'When a client gives its server connection back: after each transaction, which suits most programs, or only when it disconnects, for those that need a session.',
    },
    databases: {
      change: 'reload',
      type: 'array',
      items: ENTRY,
      default: [],
      examples: [
        [
          { name: 'app_session', database: 'app', pool_mode: 'session' },
          { name: 'app_read', database: 'app', read_only: true },
        ],
      ],
      description: 'Names that differ from the rest. All other names are the databases of PostgreSQL, on the leader.',
    },
    max_client_conn: {
      change: 'reload',
      type: 'integer',
      minimum: 10,
      maximum: 50000,
      default: 1000,
      description: 'Connections of clients at most.',
    },
    default_pool_size: {
      change: 'reload',
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      default: 20,
      description: 'Connections to PostgreSQL at most for each pair of a role and a database; further clients wait.',
    },
    max_db_connections: {
      change: 'reload',
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      description:
        'Connections to PostgreSQL at most for each database, whatever the role. Over all hosts it should stay below `max_connections`. Default: an equal share of what `max_connections` leaves.',
    },
    max_prepared_statements: {
      change: 'reload',
      type: 'integer',
      minimum: 0,
      maximum: 10000,
      default: 200,
      description: 'Prepared statements of the protocol that are kept on a server connection, so that they work in transaction mode.',
    },
    query_wait_timeout: {
      change: 'reload',
      type: 'integer',
      minimum: 10,
      default: 120,
      description: 'Seconds that a client waits for a server connection before it is cut off.',
    },
    tls: {
      change: 'reload',
      type: 'string',
      enum: ['off', 'offered', 'required'],
      default: 'off',
      scope: 'cluster',
      description: 'Whether clients may or must use TLS, with a certificate of the cluster’s authority.',
    },
    tls_names: {
      change: 'reload',
      type: 'array',
      items: { type: 'string' },
      default: [],
      examples: [['pool.example.com']],
      description:
        'DNS names and addresses that the certificate has besides those of the host, and the virtual address where the host may have it.',
    },
    ...GIVEN_TLS_VARIABLES,
    auth_username: {
      change: 'reload',
      ...ROLE_NAME,
      default: 'pgbouncer_auth',
      description: 'The role that asks PostgreSQL for the passwords of others. It may do nothing else, and superusers are not found.',
    },
    auth_password: {
      change: 'reload',
      ...PASSWORD,
      pattern: '^(?!.*\\$\\$)[ !#-~]{1,1000}$',
      expects: 'printable ASCII characters, 1000 at most, without $$ and double quotes',
      description: 'Its password. Generated on first use when not given.',
    },
  },
} as const satisfies VariablesSchema;
