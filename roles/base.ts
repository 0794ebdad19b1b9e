import { isIP } from 'node:net';
import {
  defineRole, editedFile, digestOf, enumerate, FREE_SPACE, freeSpace, groupBy, HOST_FACTS, PORTS, ports, REACHABILITY, reachability, replaceBlock,
  type FreeSpace, type Host, type HostFacts, type Inventory, type Listener, type Objection, type Reach, type RoleContext, type View,
} from '../src/index.js';
import { opensPorts } from './shared/firewall.js';
import { dataDirectoryOf, hostsWith } from './shared/layout.js';
import { memberPeers, memberPorts } from './shared/member-ports.js';
import { installed } from './shared/packages.js';
import { variables } from './shared/variables.js';

/** State id of the host's clock against ours, kept by the engine. */
const CLOCK_OFFSET = 'clock-offset';

/** Or a file, for dnf; apt removes a package whose name is followed by a dash. */
const PACKAGE = { type: 'string', pattern: '^([A-Za-z0-9]([A-Za-z0-9+._-]*[A-Za-z0-9+._])?|(/(?!\\.{1,2}(/|$))[A-Za-z0-9+._-]+)+)$', maxLength: 255, expects: 'a package name' } as const;

const MIB = 1024 * 1024;

/** A line of /etc/hosts for every member that has an IP address. */
function hostLines(inventory: Inventory): string[] {
  return inventory.hosts
    .filter((host) => isIP(host.clusterAddress) !== 0)
    .map((host) => `${host.clusterAddress} ${host.name}`);
}

export default defineRole({
  name: 'base',
  description: 'The cluster’s names resolve on every host, prerequisites are installed, and each host is fit for the job.',
  variables: {
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
        description: 'Packages installed before the roles. Default: ca-certificates and curl, which is how a host asks its own Patroni.',
      },
      package_lock_timeout: {
        change: 'free',
        type: 'integer',
        minimum: 0,
        default: 300,
        description: 'Seconds to wait for another package manager that is at work on the host.',
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
        description: 'MiB that must be free where PostgreSQL’s and etcd’s data are to be, on a host that has neither yet.',
      },
      min_memory: { change: 'free', type: 'integer', minimum: 0, default: 512, description: 'MiB of memory a host must have.' },
    },
  },
  observations: (context) => [
    ports(memberPorts(context.host).map(({ port }) => port)),
    reachability(memberPeers(context.host, context.inventory)),
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
            ? [editedFile({ path: '/etc/hosts', edit: (current) => replaceBlock(current, inventory.cluster, lines), digest: digestOf(...lines) })]
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
    ...(host.roles.includes('etcd') ? [variables(host, 'etcd').data_dir ?? platform.etcd.dataRoot] : []),
    '/var',
  ];
}

function fitness(view: View, host: Host): Objection[] {
  const { min_free_space, min_memory } = variables(host, 'base');
  const objections: Objection[] = [];
  const facts = view.read<HostFacts>(host.name, HOST_FACTS);
  if (facts !== undefined && facts.memory < min_memory * MIB) {
    objections.push({
      kind: 'preflight',
      host: host.name,
      message: `${host.name} has ${Math.floor(facts.memory / MIB)} MiB of memory, at least ${min_memory} are wanted`,
      hint: 'give it more, or lower base.min_memory',
    });
  }
  const running = (view.read<Listener[]>(host.name, PORTS) ?? []).length > 0;
  const space = Object.entries(view.read<FreeSpace>(host.name, FREE_SPACE) ?? {});
  const [path, free] = space.find(([, bytes]) => bytes < min_free_space * MIB) ?? [];
  if (!running && path !== undefined && free !== undefined) {
    objections.push({
      kind: 'preflight',
      host: host.name,
      message: `${host.name} has only ${Math.floor(free / MIB)} MiB free for ${path}, at least ${min_free_space} are wanted`,
      hint: 'make room, or lower base.min_free_space',
    });
  }
  return objections;
}

function takenPorts(view: View, host: Host): Objection[] {
  const listeners = view.read<Listener[]>(host.name, PORTS) ?? [];
  return memberPorts(host).flatMap(({ port, what, units }) =>
    listeners
      .filter((listener) => listener.port === port && !units.includes(listener.unit))
      .map((listener): Objection => ({
        kind: 'preflight',
        host: host.name,
        message: `${host.name}: port ${port}, meant for ${what}, is held by ${listener.process || 'another process'}${listener.unit === '' ? '' : ` (${listener.unit})`}`,
        hint: `stop it there, or give ${what} another port`,
      })),
  );
}

const REACH_WORDS: Partial<Record<Reach['result'], { what: string; ofSeveral?: string; hint: string }>> = {
  filtered: { what: 'does not answer (filtered?)', ofSeveral: 'do not answer (filtered?)', hint: 'let the members in there, in its firewall or in one between the hosts' },
  unreachable: {
    what: 'cannot be reached (no route, or turned away by a firewall)',
    hint: 'check cluster_address and the network between the hosts, and let the members in there, in its firewall or in one between',
  },
  unresolved: { what: 'does not resolve', hint: 'give an IP address as cluster_address, or make the name resolve on every host' },
};

function unreachablePeers(view: View, host: Host): Objection[] {
  const reaches = view.read<Reach[]>(host.name, REACHABILITY) ?? [];
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
    const message = `${host.name}: ${peer?.name ?? address} (${address})${at} ${what}`;
    const role = blocked && peer?.roles.includes('firewall') === false ? `; the role firewall does it on ${peer.name}` : '';
    return [{ kind: 'preflight' as const, host: host.name, message, hint: `${words.hint}${role}` }];
  });
}

function clockSkew(view: View): Objection[] {
  const hosts = hostsWith(view.inventory, 'base')
    .map((host) => ({ host, offset: view.read<number>(host.name, CLOCK_OFFSET) }))
    .filter((entry): entry is { host: Host; offset: number } => entry.offset !== undefined)
    .sort((a, b) => a.offset - b.offset);
  const slow = hosts[0];
  const fast = hosts.at(-1);
  if (slow === undefined || fast === undefined) return [];
  const seconds = (fast.offset - slow.offset) / 1000;
  const limit = variables(slow.host, 'base').max_clock_skew;
  if (seconds <= limit) return [];
  return [
    {
      kind: 'preflight',
      message: `the clocks of ${slow.host.name} and ${fast.host.name} differ by ${seconds.toFixed(1)} s, at most ${limit} s are allowed`,
      hint: 'synchronise them (chrony, systemd-timesyncd), or raise base.max_clock_skew',
    },
  ];
}
