import { DATA_DIRECTORY, DCS, ETCD_MEMBER, type DataDirectoryState, type DcsState, type EtcdMemberState, type Host, type Objection, type PathState, type View } from '../../src/index.js';
import { hostPort, scopeOf } from './layout.js';
import { variables } from './variables.js';

type Reachable = Extract<DcsState, { reachable: true }>;

interface Held {
  host: Host;
  identifier: string;
}

/** Everything that must agree before Patroni may start: data directories, etcd's `initialize` key, member names. */
export function guardCluster(view: View): Objection[] {
  const hosts = view.hosts('patroni');
  const held = hosts.flatMap((host): Held[] => {
    const data = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY);
    // A copy that is under way, or was broken off and will be put aside, is no database yet.
    if (data?.kind !== 'cluster' || data.copy !== 'none') return [];
    return [{ host, identifier: data.systemIdentifier ?? 'unreadable' }];
  });
  const store = hosts
    .map((host) => view.read<DcsState>(host.name, DCS))
    .find((state): state is Reachable => state?.reachable === true);
  if (store === undefined) return guardWithoutStore(view, held);
  return [...guardIdentifiers(view, store, held), ...guardLostData(view, store, held), ...guardNames(hosts, store)];
}

/** While etcd cannot be asked: data on a host is only explained by an etcd that has data as well. */
function guardWithoutStore(view: View, held: readonly Held[]): Objection[] {
  const disagreeing = held.find(({ identifier }) => identifier !== held[0]?.identifier);
  if (held[0] !== undefined && disagreeing !== undefined) {
    return [
      {
        kind: 'refuse',
        message: `${held[0].host.name} holds a cluster with system identifier ${held[0].identifier}, ${disagreeing.host.name} one with ${disagreeing.identifier}`,
        hint: 'they are different databases; move the one that is not meant aside yourself, pgprov never deletes data',
      },
    ];
  }
  const etcdHosts = view.hosts('etcd');
  const etcdIsNew =
    view.complete('etcd') &&
    etcdHosts.every((host) => view.read<EtcdMemberState>(host.name, ETCD_MEMBER)?.hasData === false);
  return etcdIsNew ? held.map(notOurs) : [];
}

function notOurs({ host, identifier }: Held): Objection {
  const directory = variables(host, 'postgresql').data_dir;
  return {
    kind: 'refuse',
    host: host.name,
    message: `${host.name}: the data directory${directory === undefined ? '' : ` ${directory}`} holds a PostgreSQL cluster (system identifier ${identifier}) that etcd does not know as this cluster’s`,
    hint: 'pgprov does not take over data it did not make: use another postgresql.data_dir, or move the old cluster aside yourself if it is not needed',
  };
}

/**
 * A member that pgprov configured, which it only does when no guard objects, and never enabled, which it
 * does once the member has its data: what is there is left of a bootstrap that failed.
 */
function isUnfinished(view: View, host: Host): boolean {
  const configuration = view.read<PathState>(host.name, `file:${view.platform(host.name)?.patroni.configFile}`);
  const enabled = view.read<{ enabled: boolean }>(host.name, 'enabled:patroni')?.enabled;
  const managed = configuration?.type === 'file' && configuration.content.toString('utf8').startsWith('# Managed by pgprov');
  return managed && enabled === false;
}

function guardIdentifiers(view: View, store: Reachable, held: readonly Held[]): Objection[] {
  const { initialize } = store;
  if (initialize === '') return [];
  if (initialize === undefined) return held.filter(({ host }) => !isUnfinished(view, host)).map(notOurs);
  return held
    .filter(({ identifier }) => identifier !== initialize)
    .map(({ host, identifier }) => ({
      kind: 'refuse',
      host: host.name,
      message: `${host.name} holds a cluster with system identifier ${identifier}, but etcd knows ${scopeOf(view.inventory, host)} as ${initialize}`,
      hint: 'this is another database’s data; if the member is to be built anew, move its data directory aside yourself',
    }));
}

/** etcd remembers a cluster, nobody leads it, and no host has its data: members would wait for a leader for ever. */
function guardLostData(view: View, store: Reachable, held: readonly Held[]): Objection[] {
  const { initialize, leader } = store;
  const known = initialize !== undefined && initialize !== '';
  if (!known || leader !== undefined || held.some(({ identifier }) => identifier === initialize)) return [];
  if (!view.complete('patroni')) return [];
  const [host] = view.hosts('patroni');
  const scope = host === undefined ? '' : scopeOf(view.inventory, host);
  return [
    {
      kind: 'refuse',
      message: `etcd knows the cluster ${scope} with system identifier ${initialize}, but it has no leader and none of the hosts has its data`,
      hint: `restore the data, or, if that cluster is gone for good, run \`patronictl remove ${scope}\` yourself or give patroni.scope another name`,
    },
  ];
}

/** A live member of the same name somewhere else would fight with ours over one key. */
function guardNames(hosts: readonly Host[], store: Reachable): Objection[] {
  return hosts.flatMap((host): Objection[] => {
    const member = store.members.find(({ name }) => name === host.name);
    const expected = hostPort(host.clusterAddress, variables(host, 'postgresql').port);
    const actual = /^postgres(?:ql)?:\/\/([^/]+)/u.exec(member?.connUrl ?? '')?.[1];
    if (member === undefined || actual === undefined || actual === expected) return [];
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `the cluster already has a member ${host.name}, at ${actual}; the inventory has it at ${expected}`,
        hint: 'give the host another name, correct its cluster_address, or stop the other member',
      },
    ];
  });
}
