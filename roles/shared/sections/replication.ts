import type { VariablesSchema } from '../../../src/index.js';
import { PASSWORD, ROLE_NAME } from '../schemas.js';

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
  },
} as const satisfies VariablesSchema;
