import type { VariablesSchema } from '../../../src/index.js';

/** The variables of the role consul. */
export const CONSUL_VARIABLES = {
  type: 'object',
  description: 'Servers of Consul, in which Patroni elects its leader; the variables count for the agents of the role consul-agent too.',
  properties: {
    package: {
      change: 'free',
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9.+-]*$',
      expects: 'the name of a package',
      default: 'consul',
      scope: 'cluster',
      description:
        'Package with Consul in the layout of Debian’s, from a repository that the hosts have already: no supported system has one of its own, see [platforms.md](platforms.md).',
    },
    raft_multiplier: {
      change: 'restart',
      type: 'integer',
      minimum: 1,
      maximum: 10,
      default: 1,
      scope: 'cluster',
      description:
        'How many times a second or so a server of Consul waits before it takes the leader of the servers for lost; more where disks or the network are slow.',
    },
    register_service: {
      change: 'reload',
      type: 'boolean',
      default: false,
      scope: 'cluster',
      description: 'Have Patroni register its scope as a service of Consul, with the tags `primary` and `replica`.',
    },
  },
} as const satisfies VariablesSchema;
