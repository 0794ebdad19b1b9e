import { DCS, enumerate, type BootstrapState, type DcsState, type Host, type Objection, type View } from '../../src/index.js';
import { dcsOf, isNewStore } from './dcs-of.js';
import { hostPort, hostsWith, scopeOf } from './layout.js';
import { leaderInStore } from './leader-in-store.js';
import { guardLeaderless, guardLeftData } from './leaderless.js';
import { isStopped, membersData, whatWasFound, type MemberData } from './members-data.js';
import { patronictl } from './patronictl.js';
import { guardUnapproved } from './unapproved.js';
import { refuseUnknownData } from './unknown-data.js';
import { variables } from './variables.js';

type Reachable = Extract<DcsState, { reachable: true }>;

/** Everything that must agree before Patroni may start: data directories, the store's `initialize` key, member names. */
export function guardCluster(view: View): Objection[] {
  const unapproved = guardUnapproved(view);
  if (unapproved.length > 0) return unapproved;
  const hosts = view.hosts('patroni');
  const members = membersData(view);
  const store = storeOf(view, hosts);
  if (store === undefined) return guardWithoutStore(view, members);
  const { initialize = '' } = store;
  const leader = leaderInStore(
    view,
    hosts.map(({ name }) => name),
    (host) => isStopped(view, host),
  );
  const readable = members.filter(({ data }) => data.control === 'valid');
  if (initialize === '') return [...guardUnknown(view, members), ...guardNames(hosts, store)];
  const objections = [
    ...guardIdentifiers(view, initialize, leader, readable),
    ...guardLostData(view, initialize, leader, readable),
    ...guardNames(hosts, store),
  ];
  if (objections.length > 0 || leader !== undefined) return objections;
  return readable.some(({ data }) => data.systemIdentifier === initialize) ? guardLeaderless(view, members) : guardLeftData(view);
}

/** What the store knows. Hosts were asked at different moments of a run: who saw a leader, or a cluster, saw more than who did not. */
function storeOf(view: View, hosts: readonly Host[]): Reachable | undefined {
  const stores = hosts.map((host) => view.read(host.name, DCS)).filter((state): state is Reachable => state?.reachable === true);
  return stores.find(({ leader }) => leader !== undefined) ?? stores.find(({ initialize = '' }) => initialize !== '') ?? stores[0];
}

/** While the store cannot be asked: data on a host is only explained by a store that has data as well. */
function guardWithoutStore(view: View, members: readonly MemberData[]): Objection[] {
  const readable = members.filter(({ data }) => data.control === 'valid');
  const [first] = readable;
  const disagreeing = readable.find(({ data }) => data.systemIdentifier !== first?.data.systemIdentifier);
  if (first !== undefined && disagreeing !== undefined) {
    return [
      {
        kind: 'refuse',
        message: `${first.host.name} holds a cluster with system identifier ${first.data.systemIdentifier}, ${disagreeing.host.name} one with ${disagreeing.data.systemIdentifier}${whatWasFound(readable)}`,
        hint: 'they are different databases: give the host whose data is not this cluster’s another postgresql.data_dir, or take it out of the inventory; pgprov never deletes data',
      },
    ];
  }
  return isNewStore(view) ? refuseUnknownData(view, members, true) : [];
}

/** The store knows no cluster, or has the empty mark of a bootstrap: only one that pgprov began and that is under way explains data. */
function guardUnknown(view: View, members: readonly MemberData[]): Objection[] {
  const unexplained = members.filter(({ bootstrap }) => bootstrap === undefined || !beingMade(bootstrap));
  return unexplained.length === 0 ? guardUnseen(view) : refuseUnknownData(view, unexplained, false);
}

/** A new cluster would begin, and a host that the run leaves out may hold the one that there was. */
function guardUnseen(view: View): Objection[] {
  const left = hostsWith(view.inventory, 'patroni')
    .filter((host) => !view.surveyed(host.name))
    .map(({ name }) => name);
  if (left.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `${dcsOf(view.inventory).name} knows no cluster ${scopeOf(view.inventory, view.hosts('patroni')[0] as Host)}, and this run, which would make it, leaves out ${enumerate(left)}, which may hold its data`,
      hint: 'a cluster is made with all of its hosts: run this without --host, or take a host that is gone out of the inventory',
    },
  ];
}

function beingMade({ initialize, underWay, noted, enabled }: BootstrapState): boolean {
  return initialize === 'empty' && underWay && noted && !enabled;
}

function guardIdentifiers(view: View, initialize: string, leader: string | undefined, readable: readonly MemberData[]): Objection[] {
  const store = dcsOf(view.inventory).name;
  return readable
    .filter(({ data }) => data.systemIdentifier !== initialize)
    .map(({ host, data: { systemIdentifier } }) => ({
      kind: 'refuse',
      host: host.name,
      message: `${host.name} holds a cluster with system identifier ${systemIdentifier}, but ${store} knows ${scopeOf(view.inventory, host)} as ${initialize}`,
      hint:
        leader === undefined
          ? `these are different databases, and either may be the one you need: leave both where they are; find out whose scope that is, and give this one another patroni.scope, or another ${store}`
          : `this is another database’s data, and ${leader} leads without it: give this host another postgresql.data_dir; if nobody needs that database, move its data directory aside yourself`,
    }));
}

/** The store remembers a cluster, nobody leads it, and no host has its data: members would wait for a leader for ever. */
function guardLostData(view: View, initialize: string, leader: string | undefined, readable: readonly MemberData[]): Objection[] {
  if (leader !== undefined || readable.some(({ data }) => data.systemIdentifier === initialize)) return [];
  if (!view.complete('patroni')) return [];
  const [host] = view.hosts('patroni');
  const scope = host === undefined ? '' : scopeOf(view.inventory, host);
  return [
    {
      kind: 'refuse',
      message: `${dcsOf(view.inventory).name} knows the cluster ${scope} with system identifier ${initialize}, but it has no leader and none of the hosts has its data`,
      hint: `restore the data, or, if that cluster is gone for good, run \`${patronictl(view, host?.name ?? '')} remove ${scope}\` yourself or give patroni.scope another name`,
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
