import type { VariablesSchema } from '../../../src/index.js';

/** The role consul-agent has no variables of its own. */
export const CONSUL_AGENT_VARIABLES = {
  type: 'object',
  description: 'The agent of Consul on members of Patroni that are no servers of Consul. Its variables are those of `consul`.',
  properties: {},
} as const satisfies VariablesSchema;
