import type { VariableSchema } from '../../../src/index.js';

/** For what machine and what work parameters are derived; a variable of the role postgresql. */
export const TUNE_VARIABLE = {
  change: 'context',
  type: 'object',
  required: ['workload', 'memory', 'cores'],
  properties: {
    workload: {
      enum: ['oltp', 'olap', 'mixed'],
      description: '`oltp`: many clients with small transactions. `olap`: few with large queries. `mixed`: both.',
    },
    memory: {
      type: 'string',
      pattern: '^[1-9][0-9]{0,6}(MB|GB)$',
      expects: 'a size in MB or GB, such as 16GB',
      description:
        'Memory that the server may reckon with, in MB or GB: all of the host where it has nothing else to do. No host of the cluster may have less.',
    },
    cores: { type: 'integer', minimum: 1, maximum: 1024, description: 'Processors that the host has, as `nproc` counts them.' },
    storage: {
      enum: ['ssd', 'hdd'],
      description: 'What the data directory is on: `ssd`, also for storage over the network, or `hdd`, disks that turn. Default: `ssd`.',
    },
  },
  examples: [{ workload: 'oltp', memory: '16GB', cores: 4 }],
  description:
    'Parameters that fit a machine and its work, below what `parameters` gives; `pgprov show` has each with its arithmetic. See [tuning](tuning.md). Default: PostgreSQL’s own.',
} as const satisfies VariableSchema;
