import type { VariablesSchema } from '../../../src/index.js';

/** The variables of the role vip. */
export const VIP_VARIABLES = {
  type: 'object',
  description:
    'One address for clients that moves by itself: to a proxy that works and knows the leader, or without proxies to the member that leads.',
  required: ['address'],
  properties: {
    address: {
      change: 'free',
      type: 'string',
      pattern: '^[0-9.]+/[0-9]{1,2}$',
      expects: 'an IPv4 address with the length of its network’s prefix, such as 10.0.0.100/24',
      scope: 'cluster',
      examples: ['10.0.0.100/24'],
      description: 'The address, which no host has so far, with the length of the prefix of the hosts’ network, or 32.',
    },
    interface: {
      change: 'free',
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,14}$',
      expects: 'the name of a network interface',
      examples: ['eth1'],
      description: 'The network interface that gets it. Default: the one that has the host’s cluster address.',
    },
    router_id: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 255,
      default: 51,
      scope: 'cluster',
      description: 'Number of the virtual router (VRRP). Another one for each virtual address of the same network.',
    },
    check_interval: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 60,
      default: 1,
      scope: 'cluster',
      description: 'Seconds between two looks of a host at whether it is the one for the address; after two that say no it gives it up.',
    },
    advert_interval: {
      change: 'free',
      type: 'integer',
      minimum: 100,
      maximum: 10000,
      multipleOf: 10,
      default: 500,
      scope: 'cluster',
      description:
        'Milliseconds between two signs of life of the host that has the address. Another one takes it after three that did not come.',
    },
  },
} as const satisfies VariablesSchema;
