import type { VariablesSchema } from '../../../src/index.js';

const NETWORKS = {
  type: 'array',
  items: { type: 'string', pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$', expects: 'an IP address, or a network such as 10.0.0.0/24' },
  default: [],
} as const;

/** The variables of the role firewall. */
export const FIREWALL_VARIABLES = {
  type: 'object',
  description: 'Who may reach the cluster’s ports. Only rules that pgprov made are ever changed or removed.',
  properties: {
    backend: {
      change: 'free',
      type: 'string',
      enum: ['auto', 'firewalld', 'ufw', 'nftables', 'none'],
      default: 'auto',
      description:
        'The firewall to open ports in. auto: whatever is in force, and nothing where none is; none: leave it alone. A firewall that is named is installed and started, with SSH allowed first.',
    },
    client_networks: {
      change: 'free',
      ...NETWORKS,
      examples: [['10.0.1.0/24', '2001:db8:1::/64']],
      description:
        'Addresses and networks of clients. Besides the members, they may reach PostgreSQL, Patroni’s REST API, and what a role of your own opens to clients.',
    },
    member_networks: {
      change: 'free',
      ...NETWORKS,
      examples: [['172.16.0.0/28']],
      description: 'More addresses and networks that members connect from, besides their cluster addresses: other interfaces, NAT.',
    },
  },
} as const satisfies VariablesSchema;
