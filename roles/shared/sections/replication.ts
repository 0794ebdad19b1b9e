import type { VariablesSchema } from '../../../src/index.js';
import { HOST_NAME, PASSWORD, ROLE_NAME } from '../schemas.js';

/** The variables of the role replication. */
export const REPLICATION_VARIABLES = {
  type: 'object',
  description: 'The account that standbys stream with, and how they stream without Patroni.',
  properties: {
    username: {
      change: 'recreate',
      ...ROLE_NAME,
      default: 'replicator',
      description: 'Name of the replication role.',
    },
    password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
    slots: {
      change: 'reload',
      type: 'boolean',
      default: true,
      scope: 'cluster',
      description:
        'Without Patroni: the primary has a permanent slot for each standby and keeps its WAL until the standby has it, however long that takes. `false`: it keeps what `wal_keep_size` in `postgresql.parameters` says.',
    },
    upstream: {
      change: 'reload',
      ...HOST_NAME,
      description:
        'Without Patroni: the host that this one streams from, as a standby of a standby. It may not have one itself. Default: whichever is the primary.',
    },
    synchronous: {
      change: 'reload',
      type: 'array',
      items: HOST_NAME,
      default: [],
      scope: 'cluster',
      examples: [['pg1', 'pg2', 'pg3']],
      description:
        'Without Patroni: hosts whose standbys the commits of the primary wait for, once all of these stream. Name all servers, and it also holds when another one is the primary.',
    },
    synchronous_number: {
      change: 'reload',
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 1,
      scope: 'cluster',
      description: 'How many of them a commit waits for. While fewer stream, no commit ends.',
    },
    synchronous_method: {
      change: 'reload',
      type: 'string',
      enum: ['first', 'any'],
      default: 'first',
      scope: 'cluster',
      description: '`first`: the first of the list that stream; `any`: whichever has it soonest.',
    },
  },
} as const satisfies VariablesSchema;
