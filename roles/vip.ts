import {
  defineRole,
  foreignAddress,
  gate,
  keepalivedRunsWith,
  service,
  sh,
  virtualAddress,
  type Entrance,
  type Gate,
  type Host,
  type Resource,
  type RoleContext,
  type Stage,
} from '../src/index.js';
import { installation } from './shared/packages.js';
import { VIP_VARIABLES } from './shared/sections/vip.js';
import { variables } from './shared/variables.js';
import { addressOf, follows } from './shared/vip/address.js';
import { addressLine, KEEPALIVED_CONFIG, keepalivedConfiguration, KEEPALIVED_UNIT } from './shared/vip/config-file.js';
import { vipObjections, vipProblems, vipWarnings } from './shared/vip/guards.js';
import { addressChecks, addressLines } from './shared/vip/told.js';

export default defineRole({
  name: 'vip',
  description:
    'A virtual address, by keepalived, that clients connect to: it goes to a proxy that works, or without proxies with the lead.',
  variables: VIP_VARIABLES,
  problems: vipProblems,
  warnings: vipWarnings,
  protocols: () => [{ protocol: 'vrrp', what: 'keepalived', units: [`${KEEPALIVED_UNIT}.service`] }],
  entrances,
  // Debian's package starts it at once where there is a configuration.
  install: ({ host }) => installation({ host }, { what: 'keepalived', packages: [KEEPALIVED_UNIT], disable: [KEEPALIVED_UNIT] }),
  observations: (context) => {
    const { host, inventory } = context;
    const { mark } = keepalivedConfiguration(context);
    return [virtualAddress(mark), foreignAddress(addressOf(host).address, KEEPALIVED_CONFIG, addressLine(host, inventory))];
  },
  stages: (context) => [configured(context)],
  preflight: vipObjections,
  checks: addressChecks,
  status: addressLines,
});

/** The ports of HAProxy, or of the server that leads, at the virtual address. */
function entrances(host: Host): Entrance[] {
  const { address } = addressOf(host);
  if (follows(host) !== 'haproxy') return [{ address, port: variables(host, 'postgresql').port, leadsTo: 'leader' }];
  const { primary_port, replica_port } = variables(host, 'haproxy');
  return [
    { address, port: primary_port, leadsTo: 'leader' },
    { address, port: replica_port, leadsTo: 'replicas' },
  ];
}

function configured(context: RoleContext): Stage {
  const { platform, inventory } = context;
  const { config, before, unit, mark } = keepalivedConfiguration(context);
  return {
    name: 'serve',
    title: 'start keepalived',
    // One after the other, so that there is always one that may take the address over.
    crossing: 'rolling',
    resources: [
      ...before,
      ...unit,
      config as Resource,
      service({
        unit: KEEPALIVED_UNIT,
        reloadOn: [...before, ...unit, config as Resource],
        reads: [KEEPALIVED_CONFIG],
        broughtBy: { name: KEEPALIVED_UNIT, manager: platform.packageManager },
        cluster: inventory.cluster,
      }),
    ],
    gates: [inForce(mark)],
  };
}

/** A reload says nothing of whether keepalived took the configuration. */
function inForce(mark: string): Gate {
  const { probe, parse } = virtualAddress(mark);
  return gate({
    name: 'keepalived-in-force',
    title: 'keepalived runs with its configuration',
    check: sh`${keepalivedRunsWith(mark)} || { echo 'keepalived does not run, or with another configuration'; exit 1; }`,
    look: { probe: () => probe(), parse: (answer) => ({ open: parse(answer).inForce, seen: '' }) },
    unit: KEEPALIVED_UNIT,
    fatalLogPatterns: ['Configuration file .* (not|cannot)', 'Unable to find'],
    timeout: 30,
  });
}
