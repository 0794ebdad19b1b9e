import type { VariableSchema } from '../../../src/index.js';

const NAMES = {
  type: 'array',
  minItems: 1,
  uniqueItems: true,
  items: {
    type: 'string',
    // A slash would begin a regular expression, from PostgreSQL 16 on also between quotes.
    pattern: '^(?!/)[^\\u0000-\\u001f\\u007f]{1,63}$',
    expects: 'a name without control characters, of 63 bytes at most, that does not begin with a slash',
  },
} as const satisfies VariableSchema;

/** Who may connect from where, in words of the inventory; a variable of the role postgresql. */
export const ACCESS_VARIABLE = {
  change: 'reload',
  type: 'array',
  default: [],
  items: {
    type: 'object',
    required: ['users', 'from'],
    properties: {
      users: { ...NAMES, description: 'Roles that may connect, or `all`.' },
      databases: { ...NAMES, description: 'Databases that they may connect to. Default: all.' },
      from: {
        type: 'array',
        minItems: 1,
        uniqueItems: true,
        items: { type: 'string', pattern: '^[^\\s"#,\\u0000-\\u001f\\u007f]{1,255}$', expects: 'a host, a group, an address or a network' },
        description:
          'Where from: hosts and groups of the inventory, addresses, networks, `members` for all database hosts, `socket` for the host itself, or `anywhere`.',
      },
      method: {
        type: 'string',
        enum: ['scram-sha-256', 'cert', 'ldap', 'peer', 'reject'],
        description: 'How they prove who they are. Default: scram-sha-256.',
      },
      options: {
        type: 'object',
        propertyNames: { pattern: '^[a-z]+$', expects: 'the name of an option' },
        additionalProperties: { type: 'string', pattern: '^[^"\\u0000-\\u001f\\u007f]{1,500}$', expects: 'a value without double quotes' },
        description: 'Options of the method, as pg_hba.conf has them.',
      },
      tls: { type: 'boolean', description: 'Only over TLS. Default: false; with `cert` always.' },
    },
  },
  examples: [[{ users: ['app'], databases: ['shop'], from: ['apps', '10.0.0.0/24'] }]],
  description: 'Who may connect from where, in words of the inventory; see [access by meaning](databases.md#who-may-connect).',
} as const satisfies VariableSchema;
