import type { VariablesSchema } from '../../../src/index.js';

/** The variables of the role backup-repository. */
export const BACKUP_REPOSITORY_VARIABLES = {
  type: 'object',
  description: 'A host that has a repository. All else is said in the section `backup`.',
  properties: {
    port: {
      change: 'restart',
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 8432,
      description: 'TCP port of pgBackRest’s server on the host; on a member that has a repository it is `backup.port`.',
    },
  },
} as const satisfies VariablesSchema;
