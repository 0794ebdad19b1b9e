import type { VariablesSchema } from '../../../src/index.js';
import { DIRECTORY, PASSWORD, ROLE_NAME, VERSION } from '../schemas.js';
import { ACCESS_VARIABLE } from './access.js';
import { CONTENTS_VARIABLES } from './contents.js';
import { GIVEN_TLS_VARIABLES } from './given-tls.js';
import { TUNE_VARIABLE } from './tune.js';

const PARAMETER_VALUE = {
  type: ['string', 'number', 'boolean'],
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  expects: 'a value without control characters',
} as const;

/** PostgreSQL reads a line that ends in a back-slash together with the next, and 13 none beyond 8 KiB; our own marks end a block. */
const HBA_LINE = {
  type: 'string',
  pattern: '^(?!# (?:BEGIN|END) pgprov )[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u001f\\u007f\\\\]$',
  maxLength: 2000,
  expects: 'one line of pg_hba.conf, of 2000 characters at most and without a back-slash at its end',
} as const;

/** The variables of the role postgresql. */
export const POSTGRESQL_VARIABLES = {
  type: 'object',
  description: 'The server. Under Patroni the parameters go to its dynamic configuration.',
  properties: {
    version: {
      change: { operation: 'pg_upgrade' },
      type: 'integer',
      minimum: 13,
      maximum: 19,
      default: 17,
      scope: 'cluster',
      description:
        'Major version. The default is the newest that Patroni supports as Debian and PGDG package it; one that gets no fixes any more is warned of.',
    },
    minor: {
      change: 'free',
      ...VERSION,
      scope: 'cluster',
      description:
        'The minor version, such as "17.6", in quotes. A new host gets it, and [an update](update.md) goes to it and no further. Default: the newest that the repositories have.',
    },
    port: { change: 'recreate', type: 'integer', minimum: 1, maximum: 65535, default: 5432, scope: 'cluster', description: 'TCP port.' },
    name: {
      change: 'recreate',
      type: 'string',
      pattern: '^[A-Za-z0-9_]+$',
      expects: 'letters, digits and underscores',
      default: 'main',
      scope: 'cluster',
      description:
        'What the cluster is called: part of paths and of the unit’s name; on Rocky, which has no name for the package’s own, unless it is `main`. Another one makes [another instance](platforms.md#several-instances-on-one-host) on the host.',
    },
    data_dir: {
      change: 'recreate',
      ...DIRECTORY,
      description:
        'Data directory. `{version}` in it stands for the major version, as in /data/{version}/main: [an upgrade](upgrade.md) needs a place for each. Default: where the platform’s packages put it, /var/lib/postgresql/17/main on Debian and /var/lib/pgsql/17/data on Rocky.',
    },
    parameters: {
      change: 'context',
      type: 'object',
      properties: {
        shared_preload_libraries: {
          ...PARAMETER_VALUE,
          change: 'restart',
          additive: true,
          description: 'Libraries that the server loads when it starts, comma-separated. Those that roles need are added.',
        },
      },
      additionalProperties: PARAMETER_VALUE,
      additive: true,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?$', maxLength: 200, expects: 'a parameter name' },
      default: {},
      examples: [{ shared_buffers: '1GB', max_connections: 200 }],
      description: 'Configuration parameters, as in postgresql.conf. A parameter that differs between hosts is set on each host by itself.',
    },
    tune: TUNE_VARIABLE,
    hba: {
      change: 'reload',
      type: 'array',
      items: HBA_LINE,
      default: [],
      additive: true,
      examples: [['host app app 10.0.0.0/24 scram-sha-256']],
      description:
        'Lines of pg_hba.conf for your clients, after those that the members need and before those for everybody else; see [access lines](platforms.md#access-lines).',
    },
    access: ACCESS_VARIABLE,
    tls: {
      change: 'reload',
      type: 'boolean',
      default: false,
      scope: 'cluster',
      description:
        'Whether the server offers TLS, with a certificate of the cluster’s authority, and takes client certificates of that; see [TLS](clients.md#tls). Without it nothing is said about TLS.',
    },
    tls_names: {
      change: 'reload',
      type: 'array',
      items: { type: 'string' },
      default: [],
      examples: [['db.example.com']],
      description: 'DNS names and addresses that the server’s certificate has besides those of the host.',
    },
    ...GIVEN_TLS_VARIABLES,
    encoding: {
      change: 'recreate',
      type: 'string',
      pattern: '^[A-Za-z0-9_-]+$',
      default: 'UTF8',
      description: 'Encoding of a new cluster.',
    },
    locale: {
      change: 'recreate',
      type: 'string',
      pattern: '^[A-Za-z0-9_.@-]+$',
      default: 'C.UTF-8',
      description: 'Locale of a new cluster.',
    },
    generate_locale: {
      change: 'free',
      type: 'boolean',
      default: true,
      description: 'Generate that locale where a host lacks it: with locale-gen on Debian, with the package of its language on Rocky.',
    },
    ...CONTENTS_VARIABLES,
    superuser: {
      change: 'recreate',
      ...ROLE_NAME,
      default: 'postgres',
      description: 'The superuser that Patroni works as, and pgprov with it. It logs in on the socket as the user postgres of the host.',
    },
    superuser_password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
  },
} as const satisfies VariablesSchema;
