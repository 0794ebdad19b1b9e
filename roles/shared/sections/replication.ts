import type { VariablesSchema } from '../../../src/index.js';
import { PASSWORD, ROLE_NAME } from '../schemas.js';

/** The variables of the role replication. */
export const REPLICATION_VARIABLES = {
  type: 'object',
  description: 'The account that standbys stream with.',
  properties: {
    username: {
      change: 'recreate',
      ...ROLE_NAME,
      default: 'replicator',
      description: 'Name of the replication role.',
    },
    password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
  },
} as const satisfies VariablesSchema;
