import { isIP } from 'node:net';
import {
  canonicalNetwork, closesWhenLoaded, defineRole, FIREWALL, firewallService, firewallsInForce, REACHABILITY, reachability,
  type CheckResult, type FirewallName, type FirewallState, type Host, type Objection, type Reach, type RoleContext, type Stage, type View,
} from '../src/index.js';
import { memberFirewall } from './shared/firewall.js';
import { memberPeers, memberPorts } from './shared/member-ports.js';
import { installed } from './shared/packages.js';
import { variables, type FirewallVariables } from './shared/variables.js';

const NETWORKS = {
  type: 'array',
  items: { type: 'string', pattern: '^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$', expects: 'an IP address, or a network such as 10.0.0.0/24' },
  default: [],
} as const;

export default defineRole({
  name: 'firewall',
  description: 'The ports of each host’s roles open to the members, and to the clients that are named, in the firewall that is in force.',
  variables: {
    type: 'object',
    description: 'Who may reach the cluster’s ports. Only rules that pgprov made are ever changed or removed.',
    properties: {
      backend: {
        change: 'free',
        type: 'string',
        enum: ['auto', 'firewalld', 'ufw', 'nftables', 'none'],
        default: 'auto',
        description: 'The firewall to open ports in. auto: whatever is in force, and nothing where none is; none: leave it alone. One that is named is installed and started, with SSH let in first.',
      },
      client_networks: {
        change: 'free',
        ...NETWORKS,
        examples: [['10.0.1.0/24', '2001:db8:1::/64']],
        description: 'Addresses and networks that may reach PostgreSQL and Patroni’s REST API, besides the members.',
      },
      member_networks: {
        change: 'free',
        ...NETWORKS,
        examples: [['172.16.0.0/28']],
        description: 'More addresses and networks that members connect from, besides their cluster addresses: other interfaces, NAT.',
      },
    },
  },
  observations: ({ host, inventory }) => [reachability(memberPeers(host, inventory))],
  stages: (context) => [...running(context), ...open(context)],
  preflight: (view) =>
    view.hosts('firewall').flatMap((host) => [...badNetworks(host), ...namedMembers(view, host), ...otherFirewalls(view, host), ...lockOut(view, host)]),
  checks: (view) => view.hosts('firewall').flatMap((host) => checkHost(view, host)),
});

/** The firewall that the inventory names; undefined when it does not. */
function namedBackend(host: Host): FirewallName | undefined {
  const { backend } = variables(host, 'firewall');
  return backend === 'auto' || backend === 'none' ? undefined : backend;
}

function running({ host, platform }: RoleContext): Stage[] {
  const backend = namedBackend(host);
  if (backend === undefined) return [];
  return [
    {
      name: 'packages',
      title: 'install the firewall',
      crossing: 'independent',
      resources: [installed({ host, platform }, { name: 'firewall', packages: [backend], disable: [backend] })],
    },
    {
      name: 'start',
      title: 'start the firewall',
      crossing: 'independent',
      resources: [firewallService({ backend, sshPorts: [...new Set([22, host.ssh.port])] })],
    },
  ];
}

function open({ host, inventory }: RoleContext): Stage[] {
  const resource = memberFirewall(host, inventory);
  if (resource === undefined) return [];
  return [{ name: 'open', title: 'open ports in the firewall', crossing: 'independent', resources: [resource] }];
}

/** The firewalls that matter on a host: in force, or asked for. */
function firewallsOf(view: View, host: Host): FirewallName[] {
  const { backend } = variables(host, 'firewall');
  const state = view.read<FirewallState>(host.name, FIREWALL);
  if (backend === 'none' || state === undefined) return [];
  return backend === 'auto' ? firewallsInForce(state) : [backend];
}

function badNetworks(host: Host): Objection[] {
  const lists: readonly (keyof FirewallVariables & `${string}_networks`)[] = ['client_networks', 'member_networks'];
  return lists.flatMap((list) =>
    variables(host, 'firewall')[list]
      .filter((network) => canonicalNetwork(network) === undefined)
      .map((network): Objection => ({
        kind: 'preflight',
        host: host.name,
        message: `${host.name}: ${network} in firewall.${list} is neither an IP address nor a network`,
        hint: 'write it as 10.0.0.7, 10.0.0.0/24 or 2001:db8::/64',
      })),
  );
}

function namedMembers(view: View, host: Host): Objection[] {
  const [firewall] = firewallsOf(view, host);
  const named = view.inventory.hosts.filter(({ clusterAddress }) => isIP(clusterAddress) === 0);
  if (firewall === undefined || named.length === 0) return [];
  const names = named.map(({ name, clusterAddress }) => `${name} (${clusterAddress})`).join(', ');
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: ${firewall} lets IP addresses in, and there is only a name as cluster_address of ${names}`,
      hint: 'give IP addresses as cluster_address, or set firewall.backend to none and open the ports yourself',
    },
  ];
}

/** Two firewalls that know nothing of each other: what one lets in the other may turn away. */
function otherFirewalls(view: View, host: Host): Objection[] {
  const state = view.read<FirewallState>(host.name, FIREWALL);
  const backend = namedBackend(host);
  if (state === undefined || backend === undefined) return [];
  return firewallsInForce(state)
    .filter((other) => other !== backend)
    .map((other) => ({
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: ${other} is in force, and firewall.backend says ${backend}`,
      hint: `stop ${other} there if ${backend} is meant to take over, or set firewall.backend to auto`,
    }));
}

function lockOut(view: View, host: Host): Objection[] {
  const state = view.read<FirewallState>(host.name, FIREWALL);
  if (state === undefined || namedBackend(host) !== 'nftables' || !closesWhenLoaded(state.nftables)) return [];
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: the configuration of nftables is not loaded, and would turn connections away`,
      hint: 'make sure that it lets SSH in and start nftables yourself; pgprov does not, for it could lock itself out',
    },
  ];
}

/** The members’ own connections are the proof: an open port or a refusal got through, silence did not. */
function checkHost(view: View, host: Host): CheckResult[] {
  const ports = new Set(memberPorts(host).map(({ port }) => port));
  const reaches = view.inventory.hosts
    .filter(({ name }) => name !== host.name)
    .flatMap(({ name }) =>
      (view.read<Reach[]>(name, REACHABILITY) ?? [])
        .filter(({ address, port }) => address === host.clusterAddress && ports.has(port))
        .map((reach) => ({ ...reach, from: name })),
    );
  if (reaches.length === 0) return [];
  const lost = reaches.filter(({ result }) => result === 'filtered' || result === 'unreachable');
  const detail = lost.length === 0
    ? `${[...ports].join(', ')} reached from ${[...new Set(reaches.map(({ from }) => from))].join(', ')}`
    : lost.map(({ from, port }) => `${from} cannot reach port ${port}`).join('; ');
  return [{ title: 'the members reach its ports', ok: lost.length === 0, detail, host: host.name }];
}
