import { isIP } from 'node:net';
import {
  defineRole,
  editedFile,
  digestOf,
  enumerate,
  FREE_SPACE,
  freeSpace,
  groupBy,
  CLOCK_OFFSET,
  HOST_FACTS,
  PORTS,
  ports,
  REACHABILITY,
  replaceBlock,
  type Host,
  type Inventory,
  type Objection,
  type Reach,
  type RoleContext,
  type View,
} from '../src/index.js';
import { opensPorts } from './shared/firewall.js';
import { dataDirectoryOf, hostsWith } from './shared/layout.js';
import { installed } from './shared/packages.js';
import { reachesPeers } from './shared/peers.js';
import { STORES } from './shared/stores.js';
import { variables } from './shared/variables.js';
import { BASE_VARIABLES } from './shared/sections/base.js';

const MIB = 1024 * 1024;

/** A line of /etc/hosts for every member that has an IP address. */
function hostLines(inventory: Inventory): string[] {
  return inventory.hosts.filter((host) => isIP(host.clusterAddress) !== 0).map((host) => `${host.clusterAddress} ${host.name}`);
}

export default defineRole({
  name: 'base',
  description: 'The cluster’s names resolve on every host, prerequisites are installed, and each host meets the requirements.',
  variables: BASE_VARIABLES,
  patience: (host) => variables(host, 'base').patience,
  observations: (context) => [
    ports(context.host.ports.map(({ port }) => port)),
    reachesPeers(context.host, context.inventory),
    freeSpace(spacePaths(context)),
  ],
  stages: ({ host, inventory, platform }) => {
    const { manage_hosts_file, prerequisites = platform.prerequisites } = variables(host, 'base');
    const lines = hostLines(inventory);
    return [
      {
        name: 'prepare',
        title: 'prepare hosts',
        crossing: 'independent',
        resources: [
          ...(manage_hosts_file
            ? [
                editedFile({
                  path: '/etc/hosts',
                  edit: (current) => replaceBlock(current, inventory.cluster, lines),
                  digest: digestOf(...lines),
                }),
              ]
            : []),
          ...(prerequisites.length > 0 ? [installed({ host, platform }, { name: 'prerequisites', packages: prerequisites })] : []),
        ],
      },
    ];
  },
  preflight: (view) => [
    ...view.hosts('base').flatMap((host) => [...fitness(view, host), ...takenPorts(view, host), ...unreachablePeers(view, host)]),
    ...clockSkew(view),
  ],
});

function spacePaths({ host, platform }: RoleContext): string[] {
  return [
    ...(host.roles.includes('postgresql') ? [dataDirectoryOf(host, platform)] : []),
    ...STORES.filter(({ role }) => host.roles.includes(role)).map((store) => store.dataRoot(host, platform)),
    '/var',
  ];
}

function fitness(view: View, host: Host): Objection[] {
  const { min_free_space, min_memory } = variables(host, 'base');
  const objections: Objection[] = [];
  const facts = view.read(host.name, HOST_FACTS);
  if (facts !== undefined && facts.memory < min_memory * MIB) {
    objections.push({
      kind: 'preflight',
      host: host.name,
      message: `${host.name} has ${Math.floor(facts.memory / MIB)} MiB of memory, at least ${min_memory} are required`,
      hint: 'give it more, or lower base.min_memory',
    });
  }
  const running = (view.read(host.name, PORTS) ?? []).length > 0;
  const space = Object.entries(view.read(host.name, FREE_SPACE) ?? {});
  const [path, free] = space.find(([, bytes]) => typeof bytes === 'string' || bytes < min_free_space * MIB) ?? [];
  if (!running && path !== undefined && free !== undefined) objections.push(tooLittle(host, path, free, min_free_space));
  return objections;
}

function tooLittle({ name: host }: Host, path: string, free: number | string, required: number): Objection {
  if (typeof free === 'number')
    return {
      kind: 'preflight',
      host,
      message: `${host} has only ${Math.floor(free / MIB)} MiB free for ${path}, at least ${required} are required`,
      hint: 'make room, or lower base.min_free_space',
    };
  return {
    kind: 'preflight',
    host,
    message: `${host} did not say how much is free for ${path}${free === '' ? '' : `: ${free}`}`,
    hint: `see what \`df\` says there; if the host was only too busy, run this again`,
  };
}

function takenPorts(view: View, host: Host): Objection[] {
  const listeners = view.read(host.name, PORTS) ?? [];
  return host.ports.flatMap(({ port, what, units }) =>
    listeners
      .filter((listener) => listener.port === port && !units.includes(listener.unit))
      .map(
        (listener): Objection => ({
          kind: 'preflight',
          host: host.name,
          message: `${host.name}: port ${port}, meant for ${what}, is held by ${listener.process || 'another process'}${listener.unit === '' ? '' : ` (${listener.unit})`}`,
          hint: `stop it there, or give ${what} another port`,
        }),
      ),
  );
}

const REACH_WORDS: Partial<Record<Reach['result'], { what: string; ofSeveral?: string; hint: string }>> = {
  filtered: {
    what: 'does not answer (filtered?)',
    ofSeveral: 'do not answer (filtered?)',
    hint: 'allow the cluster members through the firewalls on that host or in front of it',
  },
  unreachable: {
    what: 'cannot be reached (no route, or rejected by a firewall)',
    hint: 'check cluster_address and the network between the hosts, and allow the cluster members through the firewalls on that host or in front of it',
  },
  unresolved: { what: 'does not resolve', hint: 'give an IP address as cluster_address, or make the name resolve on every host' },
};

function unreachablePeers(view: View, host: Host): Objection[] {
  const reaches = view.read(host.name, REACHABILITY) ?? [];
  // What a run needs of a host that it leaves out is for the roles to say.
  const mayBeOff = (peer: Host): boolean =>
    !view.surveyed(peer.name) &&
    reaches.every(({ address, result }) => address !== peer.clusterAddress || result === 'filtered' || result === 'unreachable');
  // Of a peer that is off or behind a firewall all ports are alike, and are told in one sentence.
  const alike = groupBy(reaches, ({ address, result }) => `${address} ${result}`);
  return [...alike.values()].flatMap((group) => {
    const [{ address, result }] = group;
    const words = REACH_WORDS[result];
    const peer = view.inventory.hosts.find(({ clusterAddress }) => clusterAddress === address);
    if (words === undefined) return [];
    const blocked = result !== 'unresolved';
    if (blocked && peer !== undefined && (opensPorts(view, peer) || mayBeOff(peer))) return [];
    const several = group.length > 1;
    const at = blocked ? ` ${several ? 'ports' : 'port'} ${enumerate(group.map(({ port }) => String(port)))}` : '';
    const what = (several ? words.ofSeveral : undefined) ?? words.what;
    const message = `${host.name}: ${peer?.name ?? address} (${address})${at} ${what}${blocked ? reachedByOthers(view, host, group) : ''}`;
    const role = blocked && peer?.roles.includes('firewall') === false ? `; the role firewall does it on ${peer.name}` : '';
    return [{ kind: 'preflight' as const, host: host.name, message, hint: `${words.hint}${role}` }];
  });
}

/** Which others reach the same ports, where any do: so the way from this host is at fault, not the other end. */
function reachedByOthers(view: View, host: Host, ports: readonly Reach[]): string {
  const getsThrough = (name: string): boolean =>
    ports.every((silent) =>
      (view.read(name, REACHABILITY) ?? []).some(
        ({ address, port, result }) => address === silent.address && port === silent.port && (result === 'open' || result === 'refused'),
      ),
    );
  const others = view.inventory.hosts.filter(({ name }) => name !== host.name && getsThrough(name)).map(({ name }) => name);
  if (others.length === 0) return '';
  return `, while ${enumerate(others)} ${others.length === 1 ? 'gets' : 'get'} through to ${ports.length === 1 ? 'it' : 'them'}`;
}

/** What two clocks differ by for sure: on a busy host seconds pass between its reading of the clock and its answer. */
function clockSkew(view: View): Objection[] {
  const hosts = hostsWith(view.inventory, 'base').flatMap((host) => {
    const offset = view.read(host.name, CLOCK_OFFSET);
    return offset === undefined ? [] : [{ host, offset }];
  });
  const slow = [...hosts].sort((a, b) => a.offset.most - b.offset.most)[0];
  const fast = [...hosts].sort((a, b) => b.offset.least - a.offset.least)[0];
  if (slow === undefined || fast === undefined) return [];
  const seconds = (fast.offset.least - slow.offset.most) / 1000;
  const limit = variables(slow.host, 'base').max_clock_skew;
  if (seconds <= limit) return [];
  return [
    {
      kind: 'preflight',
      message: `the clocks of ${slow.host.name} and ${fast.host.name} differ by at least ${seconds.toFixed(1)} s, at most ${limit} s are allowed`,
      hint: 'synchronise them (chrony, systemd-timesyncd), or raise base.max_clock_skew',
    },
  ];
}
