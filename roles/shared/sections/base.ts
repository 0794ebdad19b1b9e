import type { VariablesSchema } from '../../../src/index.js';
import { STORE_NAMES } from './store-names.js';

/** Or a file, for dnf; apt removes a package whose name is followed by a dash. */
const PACKAGE = {
  type: 'string',
  pattern: '^([A-Za-z0-9]([A-Za-z0-9+._-]*[A-Za-z0-9+._])?|(/(?!\\.{1,2}(/|$))[A-Za-z0-9+._-]+)+)$',
  maxLength: 255,
  expects: 'a package name',
} as const;

/** The variables of the role base. */
export const BASE_VARIABLES = {
  type: 'object',
  description: 'What every host needs before anything else, and what a host must have to be accepted.',
  properties: {
    manage_hosts_file: {
      change: 'free',
      type: 'boolean',
      default: true,
      description: 'Keep the names and cluster addresses of all members in a block of /etc/hosts. Turn it off where DNS knows them.',
    },
    prerequisites: {
      change: 'free',
      type: 'array',
      items: PACKAGE,
      examples: [['ca-certificates', 'curl', 'chrony']],
      description: 'Packages installed before the roles. Default: ca-certificates and curl, with which a host queries its own Patroni.',
    },
    package_lock_timeout: {
      change: 'free',
      type: 'integer',
      minimum: 0,
      default: 300,
      description: 'Seconds to wait while another package manager runs on the host.',
    },
    hold_packages: {
      change: 'free',
      type: 'boolean',
      description:
        'Keep the packages of PostgreSQL, Patroni and its store from an upgrade of the whole system, one that runs by itself as well: it would restart them at its own moment. An update by pgprov brings them on all the same. `false` takes them off hold; default: they stay as they are. See [update.md](update.md#packages-on-hold).',
    },
    patience: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 20,
      default: 1,
      description:
        'How many times longer than usual everything that pgprov waits for on the host may take: services, answers, gates, proofs. Raise it for slow hosts; see [waits.md](waits.md).',
    },
    max_clock_skew: {
      change: 'free',
      type: 'number',
      exclusiveMinimum: 0,
      default: 5,
      description: 'Seconds that clocks of two hosts may differ. Leases and certificates depend on clocks that agree.',
    },
    min_free_space: {
      change: 'free',
      type: 'integer',
      minimum: 0,
      default: 1024,
      description: `MiB that must be free where PostgreSQL’s and ${STORE_NAMES}’s data are to be, on a host that has neither yet.`,
    },
    min_memory: { change: 'free', type: 'integer', minimum: 0, default: 512, description: 'MiB of memory a host must have.' },
  },
} as const satisfies VariablesSchema;
