import { isIP } from 'node:net';
import {
  canonicalNetwork,
  closesWhenLoaded,
  defineRole,
  FIREWALL,
  firewallService,
  firewallsInForce,
  REACHABILITY,
  type CheckResult,
  type FirewallName,
  type Host,
  type Objection,
  type RoleContext,
  type Stage,
  type View,
} from '../src/index.js';
import { hostFirewall } from './shared/firewall.js';
import { installed } from './shared/packages.js';
import { reachesPeers } from './shared/peers.js';
import { variables } from './shared/variables.js';
import { FIREWALL_VARIABLES } from './shared/sections/firewall.js';

export default defineRole({
  name: 'firewall',
  description: 'The ports of each host’s roles open to the members, and to the clients that are named, in the firewall that is in force.',
  variables: FIREWALL_VARIABLES,
  observations: ({ host, inventory }) => [reachesPeers(host, inventory)],
  stages: (context) => [...running(context), ...open(context)],
  preflight: (view) =>
    view
      .hosts('firewall')
      .flatMap((host) => [...badNetworks(host), ...namedMembers(view, host), ...otherFirewalls(view, host), ...lockOut(view, host)]),
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
  const resource = hostFirewall(host, inventory);
  if (resource === undefined) return [];
  return [{ name: 'open', title: 'open ports in the firewall', crossing: 'independent', resources: [resource] }];
}

/** The firewalls that matter on a host: in force, or asked for. */
function firewallsOf(view: View, host: Host): FirewallName[] {
  const { backend } = variables(host, 'firewall');
  const state = view.read(host.name, FIREWALL);
  if (backend === 'none' || state === undefined) return [];
  return backend === 'auto' ? firewallsInForce(state) : [backend];
}

function badNetworks(host: Host): Objection[] {
  const lists = ['client_networks', 'member_networks'] as const;
  const given = [
    ...lists.map((list) => ({ where: `firewall.${list}`, networks: variables(host, 'firewall')[list] })),
    ...host.ports.map(({ what, openTo: { networks = [] } }) => ({ where: `the networks that a role opens ${what} to`, networks })),
  ];
  return given.flatMap(({ where, networks }) =>
    networks
      .filter((network) => canonicalNetwork(network) === undefined)
      .map((network) => ({
        kind: 'preflight',
        host: host.name,
        message: `${host.name}: ${network} in ${where} is neither an IP address nor a network`,
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
      message: `${host.name}: ${firewall} allows IP addresses only, and cluster_address is a name for ${names}`,
      hint: 'give IP addresses as cluster_address, or set firewall.backend to none and open the ports yourself',
    },
  ];
}

/** Two firewalls that know nothing of each other: what one lets in the other may turn away. */
function otherFirewalls(view: View, host: Host): Objection[] {
  const state = view.read(host.name, FIREWALL);
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
  const state = view.read(host.name, FIREWALL);
  if (state === undefined || namedBackend(host) !== 'nftables' || !closesWhenLoaded(state.nftables)) return [];
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: the configuration of nftables is not loaded, and would turn connections away`,
      hint: 'make sure that it allows SSH and start nftables yourself; that could lock pgprov out, so pgprov does not start it',
    },
  ];
}

/** The members’ own connections are the proof: an open port or a refusal got through, silence did not. */
function checkHost(view: View, host: Host): CheckResult[] {
  const ports = new Set(host.ports.filter(({ openTo }) => openTo.members === true).map(({ port }) => port));
  const reaches = view.inventory.hosts
    .filter(({ name }) => name !== host.name)
    .flatMap(({ name }) =>
      (view.read(name, REACHABILITY) ?? [])
        .filter(({ address, port }) => address === host.clusterAddress && ports.has(port))
        .map((reach) => ({ ...reach, from: name })),
    );
  if (reaches.length === 0) return [];
  const lost = reaches.filter(({ result }) => result === 'filtered' || result === 'unreachable');
  const detail =
    lost.length === 0
      ? `${[...ports].join(', ')} reached from ${[...new Set(reaches.map(({ from }) => from))].join(', ')}`
      : lost.map(({ from, port }) => `${from} cannot reach port ${port}`).join('; ');
  return [{ title: 'the members reach its ports', ok: lost.length === 0, detail, host: host.name, settles: true }];
}
