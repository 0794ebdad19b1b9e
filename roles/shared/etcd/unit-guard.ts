import {
  enumerate,
  ETCD_CLUSTER,
  ETCD_MEMBER,
  etcdCluster,
  idOfNewMember,
  pgprov,
  type EtcdClusterState,
  type EtcdListed,
  type Host,
  type Objection,
  type RoleContext,
  type UnitGuard,
  type View,
} from '../../../src/index.js';
import { hostPort, hostsWith, tlsFiles } from '../layout.js';
import { quorumLost, type SeenMembers } from '../quorum.js';
import { variables } from '../variables.js';
import { etcdClient } from './client.js';
import { peerUrl } from './peer-url.js';
import { joinsOthers } from './membership.js';
import { onWorkingMember } from './etcdctl.js';

/** A member is restarted only while the others are a quorum, and started only where that makes no second etcd. */
export function etcdUnitGuard(context: RoleContext, dataDirectory: string): UnitGuard {
  return {
    asks: [etcdCluster(etcdClient(context, tlsFiles(context.platform.etcd)), dataDirectory)],
    patience: 10,
    objection: (view, move) =>
      move.action === 'restart' ? quorumLost(view.inventory, 'etcd', move, seenMembers(view)) : strayStart(view, move.host),
  };
}

/** What every host that answered sees; hosts that were not asked, or did not answer, are not among them. */
function seenBy(view: View): EtcdClusterState[] {
  return view.hosts('etcd').flatMap(({ name }) => view.read(name, ETCD_CLUSTER) ?? []);
}

/** Members with a vote, by their names in the inventory or else their peer URLs; those of the inventory where nobody lists any. */
function voters(view: View, seen: readonly EtcdClusterState[]): string[] {
  const hosts = hostsWith(view.inventory, 'etcd');
  const listed = seen.find(({ members }) => members !== undefined)?.members;
  if (listed === undefined) return hosts.map(({ name }) => name);
  const nameOf = ({ peerUrls }: EtcdListed): string => hosts.find((host) => peerUrls.includes(peerUrl(host)))?.name ?? peerUrls.join(', ');
  return listed.filter(({ learner }) => !learner).map(nameOf);
}

/** The members that are healthy in the eyes of every host that sees any; a host that sees none may be cut off itself. */
function healthyMembers(view: View, seen: readonly EtcdClusterState[]): Set<string> {
  const seeing = seen.filter(({ healthy }) => healthy.length > 0);
  const hosts = seeing.length === 0 ? [] : hostsWith(view.inventory, 'etcd');
  const url = (host: Host): string => `https://${hostPort(host.clusterAddress, variables(host, 'etcd').client_port)}`;
  return new Set(hosts.filter((host) => seeing.every(({ healthy }) => healthy.includes(url(host)))).map(({ name }) => name));
}

function seenMembers(view: View): SeenMembers {
  const seen = seenBy(view);
  return {
    voters: voters(view, seen),
    healthy: healthyMembers(view, seen),
    anyHealthy: seen.some(({ healthy }) => healthy.length > 0),
    inRun: new Set(view.hosts('etcd').map(({ name }) => name)),
  };
}

/** Why a member without data must not be started: etcd would take it for another than it lists, or it would begin an etcd of its own. */
function strayStart(view: View, name: string): Objection | undefined {
  const host = hostsWith(view.inventory, 'etcd').find((candidate) => candidate.name === name);
  if (host === undefined || view.read(name, ETCD_MEMBER)?.hasData !== false) return undefined;
  // It is added to those that tell of each other, and its settings say so before it starts.
  if (joinsOthers(view, host)) return undefined;
  const seen = seenBy(view);
  const members = seen.find((state) => state.members !== undefined)?.members;
  if (members !== undefined) {
    const listed = members.find(({ peerUrls }) => peerUrls.includes(peerUrl(host)));
    if (listed !== undefined && listed.clientUrls.length > 0) return wiped(view, host, listed.id);
    const began = listed?.id === idOfNewMember([peerUrl(host)], view.inventory.cluster);
    return began ? undefined : listedSince(host);
  }
  const started = seen.flatMap((state) => state.started);
  if (started.includes(name)) return wiped(view, host);
  const known = seen.flatMap((state) => state.known);
  return known.length > 0 && !known.includes(peerUrl(host)) ? unlisted(host) : untold(view, host);
}

/** The list of members was not there when the run looked, so what it planned is to begin with the others. */
function listedSince({ name }: Host): Objection {
  return {
    kind: 'refuse',
    host: name,
    message: `${name}: the other members of etcd tell only now who they are, and ${name} is not one that they began with`,
    hint: 'run the same command again: it adds the member',
  };
}

/** The others began without it, and do not tell whom they list. */
function unlisted({ name }: Host): Objection {
  return {
    kind: 'refuse',
    host: name,
    message: `${name}: the other members of etcd, which began without it, have no quorum; it can join only when they have one`,
    hint: 'bring etcd back on the others first, then run the same command again',
  };
}

/** The member was up once, and its data is gone. */
function wiped(view: View, { name }: Host, id?: string): Objection {
  return {
    kind: 'refuse',
    host: name,
    message: `${name}: the data of its etcd member is gone, while the other members still list it${id === undefined ? '' : ` (id ${hexadecimal(id)})`}; started as it is, it would be refused by the other members, or form an etcd cluster of its own`,
    hint: `${id === undefined ? `start etcd on the others first; then, ` : ''}${onWorkingMember(view, name)}: \`etcdctl member remove ${id === undefined ? 'ID' : hexadecimal(id)}\`; then run this again: ${name} joins anew. Where another machine has its place, ${pgprov`replace ${view.inventory} --host ${name} --dead`} does that, and has the former certificate refused`,
  };
}

/**
 * Nobody lists the members, so whoever was not asked may have the data of this etcd; one that had none when the run began has no other now.
 */
function untold(view: View, { name }: Host): Objection | undefined {
  const isSilent = (host: Host): boolean => view.read(host.name, ETCD_CLUSTER) === undefined;
  const hadNone = (host: Host): boolean => view.read(host.name, ETCD_MEMBER)?.hasData === false;
  const silent = hostsWith(view.inventory, 'etcd').filter((host) => isSilent(host) && !hadNone(host));
  if (silent.length === 0) return undefined;
  const names = enumerate(silent.map((host) => host.name));
  return {
    kind: 'refuse',
    host: name,
    message: `${name}: etcd has no data here, and ${names}, which may have the data of this etcd, ${silent.length === 1 ? 'was' : 'were'} not asked; it might form a second etcd cluster beside the first`,
    hint: `select all members: --host ${hostsWith(view.inventory, 'etcd')
      .map((host) => host.name)
      .join(',')} --role etcd`,
  };
}

/** etcdctl has ids in hexadecimal, etcd's JSON in decimal. */
function hexadecimal(id: string): string {
  return BigInt(id).toString(16);
}
