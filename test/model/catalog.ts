import type { RoleSchema } from '../../src/model/index.js';

const port = (fallback: number) =>
  ({
    type: 'integer',
    minimum: 1,
    maximum: 65535,
    default: fallback,
    description: 'A port.',
    scope: 'cluster',
    change: 'recreate',
  }) as const;
const setting = { type: ['string', 'number', 'boolean'] } as const;

/** A small catalog with every kind of variable. */
export const catalog: readonly RoleSchema[] = [
  {
    name: 'base',
    description: 'Makes the host fit.',
    variables: {
      type: 'object',
      properties: { manage_hosts_file: { type: 'boolean', default: true, description: 'Write /etc/hosts.' } },
    },
  },
  {
    name: 'postgresql',
    description: 'Installs PostgreSQL.',
    requires: ['base'],
    variables: {
      type: 'object',
      properties: {
        version: { type: 'integer', minimum: 13, maximum: 18, default: 17, description: 'Major version.', scope: 'cluster' },
        port: port(5432),
        data_dir: { type: 'string', pattern: '^/[^\\u0000-\\u001f]*$', expects: 'an absolute path', description: 'Data.' },
        parameters: {
          type: 'object',
          change: 'context',
          description: 'Settings.',
          default: { shared_buffers: '128MB', max_connections: 100 },
          propertyNames: { type: 'string', pattern: '^[a-z_][a-z0-9_.]*$', expects: 'the name of a setting' },
          additionalProperties: setting,
        },
        hba: { type: 'array', items: { type: 'string' }, default: [], description: 'Lines.' },
        superuser_password: { type: 'string', secret: true, minLength: 8, description: 'Password.', scope: 'cluster' },
      },
    },
  },
  {
    name: 'etcd',
    isStore: true,
    description: 'Keeps who leads.',
    variables: { type: 'object', properties: { client_port: port(2379), peer_port: port(2380) } },
  },
  {
    name: 'patroni',
    description: 'Runs PostgreSQL.',
    requires: ['postgresql'],
    variables: {
      type: 'object',
      properties: {
        scope: { type: ['string', 'null'], default: null, description: 'Scope.', scope: 'cluster' },
        ttl: { type: 'integer', minimum: 20, default: 30, description: 'Seconds.', scope: 'cluster' },
        watchdog: { type: 'string', enum: ['off', 'automatic', 'required'], default: 'off', description: 'Watchdog.' },
        tags: {
          type: 'object',
          description: 'Tags.',
          properties: {
            nofailover: { type: 'boolean', default: false, description: 'Never lead.' },
            clonefrom: { type: 'boolean', default: false, description: 'Copy from it.' },
          },
          additionalProperties: setting,
        },
        dynamic: { type: 'object', additionalProperties: true, default: {}, description: 'Dynamic configuration.' },
      },
    },
  },
];
