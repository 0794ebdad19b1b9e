import type { Handle } from '../resources/handle.js';
import type { MemberStatus } from '../lib/cluster-status.js';
import { formatBytes } from '../lib/bytes.js';
import { topologyOf, type Host } from '../model/index.js';
import { STREAMING_SERVER } from '../resources/streaming/server.js';
import { recoveryWords } from '../resources/recovery.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { SERVER_REPLICATION } from '../resources/server-replication.js';
import { mendParted, partedStandby } from '../resources/parted-standby.js';
import { PATRONI_MEMBER, streamsTo, type ClusterMember, type PatroniMemberState } from '../resources/patroni/member.js';

type Answer = Extract<PatroniMemberState, { answers: true }>;

/** What an observation saw on a host; undefined where it was not asked. */
export type Reader = <State>(host: Host, seen: Handle<State>) => State | undefined;

/** What a member is judged by that is the cluster's. */
export interface Known {
  listed: readonly ClusterMember[];
  /** System identifier that etcd has. */
  identifier: string | undefined;
  /** Bytes that a standby may be behind and still take over. */
  mostLag: number;
  /** Why its Patroni does nothing, where systemd tells. */
  down: string | undefined;
  /** As it is given on a command line. */
  inventoryFile: string;
}

/** Patroni's own default where nothing is set. */
export function mostLag(config: Readonly<Record<string, unknown>> | undefined): number {
  const given = Number(config?.['maximum_lag_on_failover']);
  return Number.isFinite(given) ? given : 1_048_576;
}

/** Whether a host has a server of a cluster that does not answer; one that stands alone says so itself. */
export function isSilent(host: Host, read: Reader): boolean {
  if (topologyOf(host) === 'streaming') return read(host, STREAMING_SERVER)?.says === undefined;
  return topologyOf(host) === 'patroni' && read(host, PATRONI_MEMBER)?.answers !== true;
}

/** A member of which nothing is known, because its host could not be asked. */
export function unseenMember({ name, clusterAddress: address }: Host): MemberStatus {
  return { name, address, unseen: true, pendingRestart: false };
}

/** A member as it is. */
export function memberStatus(host: Host, read: Reader, { listed, identifier, mostLag: most, down, inventoryFile }: Known): MemberStatus {
  const base = { name: host.name, address: host.clusterAddress, pendingRestart: false };
  const member = read(host, PATRONI_MEMBER);
  const data = read(host, DATA_DIRECTORY);
  const disk = data?.kind === 'cluster' ? data : undefined;
  const checksums = disk?.checksums === undefined ? {} : { checksums: disk.checksums > 0 };
  const recovery = recoveryWords(data, member);
  if (member?.answers !== true)
    return {
      ...base,
      ...checksums,
      problem: [silence(data, identifier), ...recoveryProblem(recovery), ...(down === undefined ? [] : [down])].join('; '),
    };
  const entry = listed.find(({ name }) => name === host.name);
  const leading = listed.find(({ role }) => role === 'leader')?.name;
  const streams = streamsFrom(leading, host, read);
  const leader = read({ ...host, name: leading ?? '' }, PATRONI_MEMBER);
  const replay = replayOf(member, leader);
  const { behindSeconds } = read(host, SERVER_REPLICATION) ?? {};
  const lag = lagOf(entry, member, leader);
  const problems = [
    ...recoveryProblem(recovery),
    ...(member.role === 'replica' && !streams && recovery === undefined
      ? [notStreaming(member, leading, leader, { host, inventoryFile })]
      : []),
    ...standbyProblems(lag.lagBytes ?? 0, member, most),
  ];
  const state = member.role === 'replica' && streams && member.state === 'running' ? 'streaming' : member.state;
  return {
    ...base,
    ...checksums,
    role: entry?.role ?? member.role,
    state,
    pendingRestart: member.pendingRestart,
    ...(member.pendingRestart && entry?.pendingReasons !== undefined ? { pendingReasons: entry.pendingReasons } : {}),
    patroniVersion: member.version,
    ...(member.timeline === undefined ? {} : { timeline: member.timeline }),
    ...lag,
    ...(member.systemIdentifier === undefined ? {} : { systemIdentifier: member.systemIdentifier }),
    ...(member.serverVersion === undefined ? {} : { postgresVersion: versionText(member.serverVersion) }),
    ...replay,
    ...(behindSeconds === undefined || member.role === 'leader' ? {} : { replayLagSeconds: behindSeconds }),
    ...(problems.length === 0 ? {} : { problem: problems.join('; ') }),
  };
}

/** What is wrong with a standby that does not stream. */
function notStreaming(
  member: Answer,
  leading: string | undefined,
  leader: PatroniMemberState | undefined,
  { host, inventoryFile }: { host: Host; inventoryFile: string },
): string {
  const parted = leading === undefined || leader?.answers !== true ? undefined : partedStandby(member, leading, leader);
  return parted === undefined ? 'does not stream from the leader' : `${parted}; ${mendParted(inventoryFile, host.name)}`;
}

function recoveryProblem(words: string | undefined): string[] {
  return words === undefined ? [] : [`PostgreSQL ${words}: wait until it is up`];
}

/** Why Patroni may give no answer, as far as the data directory tells. */
function silence(data: DataDirectoryState | undefined, identifier: string | undefined): string {
  const said = 'Patroni does not answer';
  if (data?.kind === 'absent' || data?.kind === 'empty') return `${said}, and there is no data`;
  if (data?.kind === 'foreign') return `${said}, and the data directory holds files that are no PostgreSQL cluster`;
  const held = data?.kind === 'cluster' ? data.systemIdentifier : undefined;
  const known = identifier !== undefined && identifier !== '';
  if (!known || held === undefined || held === identifier) return said;
  return `the data directory holds another cluster (system identifier ${held}, while etcd knows this one as ${identifier}), and ${said}`;
}

/**
 * How far a standby is behind in what it receives. Patroni writes the positions of members down one after the other, and they are asked here one
 * after the other too, so that a leader which has begun another WAL file in between is ahead by all that was left of the last one: a standby that is
 * late is behind by both.
 */
function lagOf(entry: ClusterMember | undefined, { wal }: Answer, leader: PatroniMemberState | undefined): Pick<MemberStatus, 'lagBytes'> {
  if (entry?.lag === undefined) return {};
  const written = leader?.answers === true ? leader.wal?.location : undefined;
  if (written === undefined || wal === undefined) return { lagBytes: entry.lag };
  const has = Math.max(wal.received ?? 0, wal.replayed ?? 0);
  return { lagBytes: Math.min(entry.lag, Math.max(0, written - has)) };
}

/** How far a standby is behind in what it replays; nothing of a leader, or where Patroni does not say. */
function replayOf(member: Answer, leader: PatroniMemberState | undefined): Pick<MemberStatus, 'replayLagBytes' | 'replayPaused'> {
  const { wal, role } = member;
  if (role === 'leader' || wal?.replayed === undefined) return {};
  const end = Math.max(leader?.answers === true ? (leader.wal?.location ?? 0) : 0, wal.received ?? 0);
  return { ...(end === 0 ? {} : { replayLagBytes: Math.max(0, end - wal.replayed) }), ...(wal.paused ? { replayPaused: true } : {}) };
}

/** What is wrong with how a standby follows; what it has to replay is counted by its own word alone, because both of its positions are of one moment. */
function standbyProblems(lagBytes: number, { role, wal }: Answer, most: number): string[] {
  if (role === 'leader' || wal === undefined) return [];
  const { received = 0, replayed = received, paused } = wal;
  const limit = `more than maximum_lag_on_failover (${formatBytes(most)})`;
  return [
    ...(paused ? ['replay of the WAL is paused, so queries on it see old data; `SELECT pg_wal_replay_resume()` resumes it'] : []),
    ...(lagBytes > most ? [`has received ${formatBytes(lagBytes)} less than the leader wrote, ${limit}: it cannot take over`] : []),
    ...(lagBytes <= most && received - replayed > most ? [`has ${formatBytes(received - replayed)} left to replay, ${limit}`] : []),
  ];
}

/** Patroni before 3.1 calls a streaming replica `running`, so the leader's own list of standbys decides. */
function streamsFrom(leading: string | undefined, host: Host, read: Reader): boolean {
  const leader = read({ ...host, name: leading ?? '' }, PATRONI_MEMBER);
  if (leader?.answers !== true) return true;
  return streamsTo(leader, host.name);
}

/** `17.12` of 170012. */
export function versionText(serverVersion: number): string {
  return `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
}
