import type { VariableSchema } from '../../../src/index.js';
import { PASSWORD } from '../schemas.js';

/** PostgreSQL cuts a longer one off, and two that are cut to the same would be one. */
const IDENTIFIER = {
  type: 'string',
  pattern: '^[^\\u0000-\\u001f\\u007f]{1,63}$',
  expects: 'a name without control characters, of 63 bytes at most',
} as const satisfies VariableSchema;

/** What `CREATE ROLE` reserves, or reads as something else. */
const ROLE = {
  ...IDENTIFIER,
  pattern: '^(?!pg_|public$|none$)[^\\u0000-\\u001f\\u007f]{1,63}$',
  expects: 'a role name without control characters, of 63 bytes at most, that does not begin with pg_',
} as const satisfies VariableSchema;

/** A predefined role can be a member’s group as well. */
const GROUP = { ...ROLE, pattern: '^(?!public$|none$)[^\\u0000-\\u001f\\u007f]{1,63}$' } as const satisfies VariableSchema;

const SETTINGS = {
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?$', maxLength: 200, expects: 'a parameter name' },
  additionalProperties: {
    type: ['string', 'number', 'boolean'],
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    expects: 'a value without control characters',
  },
} as const satisfies VariableSchema;

const CONNECTIONS = { type: 'integer', minimum: -1, maximum: 262143 } as const satisfies VariableSchema;

const USER = {
  type: 'object',
  properties: {
    login: { type: 'boolean', description: 'Default: true; a group does not log in.' },
    password: { ...PASSWORD, description: 'Generated on first use when not given.' },
    passwordless: {
      type: 'boolean',
      description: 'It logs in without a password, such as by a client certificate: none is made, and one that it has stays.',
    },
    superuser: { type: 'boolean', description: 'Default: false.' },
    createdb: { type: 'boolean', description: 'Default: false.' },
    createrole: { type: 'boolean', description: 'Default: false.' },
    replication: { type: 'boolean', description: 'Default: false.' },
    bypassrls: { type: 'boolean', description: 'Default: false.' },
    inherit: { type: 'boolean', description: 'Default: true.' },
    connection_limit: { ...CONNECTIONS, description: 'Connections at most; -1, the default: any number.' },
    valid_until: {
      type: 'string',
      pattern: '^\\d{4}-\\d\\d-\\d\\d([ T]\\d\\d:\\d\\d(:\\d\\d)?(Z|[+-]\\d\\d(:?\\d\\d)?)?)?$',
      expects: 'a moment such as 2027-01-31 or 2027-01-31 12:00:00+00',
      description: 'When its password expires. Default: never.',
    },
    member_of: { type: 'array', items: GROUP, description: 'Roles whose member it is.' },
    settings: { ...SETTINGS, description: 'Parameters of its sessions (`ALTER ROLE … SET`).' },
  },
} as const satisfies VariableSchema;

const PRIVILEGE = {
  type: 'string',
  enum: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'CREATE', 'CONNECT', 'TEMPORARY', 'USAGE', 'EXECUTE'],
} as const satisfies VariableSchema;

const GRANT = {
  type: 'object',
  required: ['to', 'on', 'privileges'],
  properties: {
    to: { ...GROUP, description: 'The role that gets them.' },
    on: {
      type: 'string',
      enum: ['database', 'schema', 'tables', 'sequences', 'functions'],
      description: 'What they are about; tables, sequences and functions are all of the schema, also those that its owner makes later.',
    },
    schema: { ...IDENTIFIER, description: 'The schema, where it is not about the database. Default: public.' },
    privileges: { type: 'array', items: PRIVILEGE, minItems: 1, uniqueItems: true, description: 'As GRANT has them.' },
  },
} as const satisfies VariableSchema;

const EXTENSION = {
  type: 'object',
  properties: {
    schema: { ...IDENTIFIER, description: 'Where its objects are. Default: where the extension wants them, else `public`.' },
    version: {
      type: 'string',
      pattern: '^[A-Za-z0-9._+-]{1,64}$',
      expects: 'a version of the extension',
      description: 'Default: the newest when it is made; it is not moved after that.',
    },
    packages: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$',
        expects: 'the name of a package',
      },
      description: 'Packages that bring it. Default: those that pgprov knows of; see [databases.md](databases.md#packages-of-extensions).',
    },
  },
} as const satisfies VariableSchema;

const SCHEMA = {
  type: 'object',
  properties: { owner: { ...ROLE, description: 'Default: the owner of the database.' } },
} as const satisfies VariableSchema;

const DATABASE = {
  type: 'object',
  properties: {
    owner: { ...ROLE, description: 'Default: the superuser.' },
    encoding: {
      type: 'string',
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'Fixed when it is made. Default: that of the cluster.',
    },
    locale: { type: 'string', pattern: '^[A-Za-z0-9_.@-]+$', description: 'Fixed when it is made. Default: that of the cluster.' },
    connection_limit: { ...CONNECTIONS, description: 'Connections at most; -1, the default: any number.' },
    settings: { ...SETTINGS, description: 'Parameters of sessions in it (`ALTER DATABASE … SET`).' },
    schemas: { type: 'object', propertyNames: IDENTIFIER, additionalProperties: SCHEMA, description: 'Schemas, by name.' },
    extensions: { type: 'object', propertyNames: IDENTIFIER, additionalProperties: EXTENSION, description: 'Extensions, by name.' },
    grants: { type: 'array', items: GRANT, description: 'Privileges that roles have.' },
  },
} as const satisfies VariableSchema;

/** What is in a cluster, as variables of the role postgresql. */
export const CONTENTS_VARIABLES = {
  users: {
    change: 'free',
    type: 'object',
    propertyNames: ROLE,
    additionalProperties: USER,
    default: {},
    scope: 'cluster',
    examples: [{ app: { member_of: ['reader'], connection_limit: 50 }, reader: { login: false } }],
    description: 'Database roles of your own, by name; see [databases.md](databases.md). What is not named stays as it is.',
  },
  databases: {
    change: 'free',
    type: 'object',
    propertyNames: { ...IDENTIFIER, pattern: '^(?!template[01]$)[^\\u0000-\\u001f\\u007f]{1,63}$' },
    additionalProperties: DATABASE,
    default: {},
    scope: 'cluster',
    examples: [
      {
        app: {
          owner: 'app',
          extensions: { pg_trgm: {} },
          grants: [{ to: 'reader', on: 'tables', privileges: ['SELECT'] }],
        },
      },
    ],
    description: 'Databases, by name, with what is in them; see [databases.md](databases.md). What is not named stays as it is.',
  },
} as const satisfies Record<string, VariableSchema>;
