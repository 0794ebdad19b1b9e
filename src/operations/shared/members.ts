import {
  DCS,
  enumerate,
  holdsLeaderLock,
  PATRONI_MEMBER,
  streamsTo,
  topologyOf,
  unknownName,
  type ClusterMember,
  type DcsState,
  type Host,
  type Inventory,
  type OperationObjection,
  type PatroniMemberState,
  type ScheduledSwitchover,
  type View,
} from '../../index.js';
import { isSynchronous, isSynchronousStandby } from '../../../roles/shared/synchronous.js';
import { barringTag } from '../../../roles/shared/tags.js';

/** What a host's Patroni says, where it answers. */
export type Answering = Extract<PatroniMemberState, { answers: true }>;

/** What Patroni keeps in its store, where that has a quorum. */
export type Store = Extract<DcsState, { reachable: true }>;

/** Patroni's own default of `maximum_lag_on_failover`, in bytes. */
const MOST_LAG = 1_048_576;

/** What a host's Patroni says of itself and of the cluster; undefined when it does not answer. */
export function answerOf(view: View, host: string): Answering | undefined {
  const member = view.read(host, PATRONI_MEMBER);
  return member?.answers === true ? member : undefined;
}

/** The host whose Patroni says that it leads, and that the cluster has as the leader. */
export function leaderOf(view: View): string | undefined {
  return view
    .hosts('patroni')
    .map(({ name }) => name)
    .find((name) => holdsLeaderLock(view.read(name, PATRONI_MEMBER) ?? { answers: false }, name));
}

/** The hosts of the inventory that are members of the cluster, whether or not they answer. */
export function membersOf({ hosts }: Pick<Inventory, 'hosts'>): Host[] {
  return hosts.filter((host) => topologyOf(host) === 'patroni');
}

/** Names of the members besides one. */
export function membersBut(inventory: Pick<Inventory, 'hosts'>, name: string): string[] {
  return membersOf(inventory).flatMap((member) => (member.name === name ? [] : [member.name]));
}

/** That a member was named which the inventory does not have. */
export function unknownMember(inventory: Pick<Inventory, 'hosts'>, name: string | undefined): OperationObjection[] {
  const members = membersOf(inventory).map((member) => member.name);
  if (name === undefined || members.includes(name)) return [];
  return [{ kind: 'input', error: 'aim/unknown-member', ...unknownName('member', name, members) }];
}

/** The first host whose Patroni answers, which may be asked for what any member tells. */
export function anyAnswering(view: View): string | undefined {
  return view.hosts('patroni').find(({ name }) => answerOf(view, name) !== undefined)?.name;
}

/** The member that the cluster has as its leader, according to any member or to the store, though its host may not answer. */
export function listedLeader(view: View): string | undefined {
  const leader = storeOf(view)?.leader;
  return leader === '' ? undefined : leader;
}

/** What Patroni keeps in its store, as the first host tells that reads it; undefined: none does. */
export function storeOf(view: View): Store | undefined {
  return storesOf(view)[0];
}

/** The first host that reads what Patroni keeps in its store, and so may write it; undefined: none does. */
export function storeAsked(view: View): string | undefined {
  return view.hosts('patroni').find(({ name }) => view.read(name, DCS)?.reachable === true)?.name;
}

function storesOf(view: View): Store[] {
  return view.hosts('patroni').flatMap(({ name }) => {
    const state = view.read(name, DCS);
    return state?.reachable === true ? [state] : [];
  });
}

/** The switchover that Patroni is to carry out later, according to any member. */
export function scheduledOf(view: View): ScheduledSwitchover | undefined {
  return view.hosts('patroni').flatMap(({ name }) => answerOf(view, name)?.scheduled ?? [])[0];
}

/** What keeps a member from streaming from this leader, as a clause that follows its name; undefined: it streams. */
export function notStreamingWhy(view: View, leader: string, member: string): string | undefined {
  if (!view.surveyed(member)) return 'cannot be reached';
  const listed = listedBy(view, leader, member);
  if (listed === undefined) return 'is not in the cluster, according to Patroni';
  if (listed.state !== 'streaming') return `is ${JSON.stringify(listed.state)}`;
  return streamsFrom(view, leader, member) ? undefined : unconnected(leader);
}

/** Of a member that Patroni lists as streaming. */
function unconnected(leader: string): string {
  return `has no connection to ${leader} that streams, though Patroni lists it as "streaming"`;
}

/**
 * Whether the leader's server has a connection from the member that streams. What Patroni lists comes from the member: it may be older than the
 * last restart, and it says "streaming" also of a standby that is only connected, and waits for WAL that the leader never wrote.
 */
export function streamsFrom(view: View, leader: string, member: string): boolean {
  const leading = answerOf(view, leader);
  return leading !== undefined && streamsTo(leading, member);
}

/** A member as the leader's Patroni lists it. */
export function listedBy(view: View, leader: string, member: string): ClusterMember | undefined {
  return answerOf(view, leader)?.cluster.find(({ name }) => name === member);
}

/** The timeline of a leader by its own server's word: what Patroni lists may be as old as the leader's last loop. */
export function timelineOf(view: View, leader: string): number | undefined {
  return answerOf(view, leader)?.timeline ?? listedBy(view, leader, leader)?.timeline;
}

/** Patroni's dynamic configuration, as etcd has it. */
export function dynamicOf(view: View): Readonly<Record<string, unknown>> {
  return storesOf(view).find(({ config }) => config !== undefined)?.config ?? {};
}

/** Bytes that a member may be behind and still take the lead. */
export function mostLag(view: View): number {
  const given = dynamicOf(view)['maximum_lag_on_failover'];
  return typeof given === 'number' ? given : MOST_LAG;
}

/** Why a member cannot take the lead from this leader, as a clause that follows its name; undefined: it can. */
export function unfit(view: View, leader: string, member: string): string | undefined {
  const listed = listedBy(view, leader, member);
  const own = answerOf(view, member);
  const ahead = timelineOf(view, leader);
  if (listed === undefined) return 'is not in the cluster, according to Patroni';
  if (own === undefined) return 'does not answer at its REST API';
  if (listed.state !== 'streaming' && listed.state !== 'running') return `is ${JSON.stringify(listed.state)}, and does not stream`;
  const tag = barringTag(listed.tags);
  if (tag !== undefined) return `never leads: it has the tag ${tag}`;
  if (listed.timeline !== undefined && ahead !== undefined && listed.timeline !== ahead)
    return `is on timeline ${listed.timeline}, and the leader on ${ahead}`;
  if (listed.lag === undefined) return 'has a lag that Patroni does not know';
  if (listed.lag > mostLag(view)) return `is ${listed.lag} bytes behind, more than maximum_lag_on_failover allows (${mostLag(view)})`;
  return outOfSync(view, listed) ?? (listed.state === 'streaming' && !streamsFrom(view, leader, member) ? unconnected(leader) : undefined);
}

/** The standby with the least lag among those of these that can lead, the first of them among equals. */
export function leastBehind(view: View, order: readonly string[]): string | undefined {
  const leader = leaderOf(view);
  if (leader === undefined) return undefined;
  const able = order.filter(
    (name) => name !== leader && listedBy(view, leader, name) !== undefined && unfit(view, leader, name) === undefined,
  );
  const lag = (name: string): number => listedBy(view, leader, name)?.lag ?? 0;
  return able.sort((a, b) => lag(a) - lag(b))[0];
}

/** With synchronous replication only a synchronous standby is promoted. */
function outOfSync(view: View, listed: ClusterMember): string | undefined {
  if (!isSynchronous(view) || isSynchronousStandby(listed)) return undefined;
  return 'is no synchronous standby, and with synchronous_mode only a synchronous standby takes the lead';
}

/** The members besides the leader that do not stream from it. */
export function notStreaming(view: View, leader: string): Host[] {
  return view.hosts('patroni').filter(({ name }) => name !== leader && notStreamingWhy(view, leader, name) !== undefined);
}

/** `pg1, pg2 and pg3` */
export function names(hosts: readonly Host[]): string {
  return enumerate(hosts.map(({ name }) => name));
}
