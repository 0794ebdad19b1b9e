import { ASKED_FOR_NOTHING } from '../../postgres/wal-sender.js';
import { handle } from '../handle.js';
import { findRest, restQuestion } from './rest.js';
import { answerText, type Observation } from '../resource.js';
import { type SharedQuestion, printAnswer } from '../shared-question.js';

/** A standby as the leader's pg_stat_replication shows it. */
export interface ReplicationConnection {
  application: string;
  state: string;
  syncState: string;
}

/** A member as Patroni's /cluster endpoint lists it. */
export interface ClusterMember {
  name: string;
  role: string;
  state: string;
  timeline: number | undefined;
  /** Bytes behind the leader; undefined for the leader, or when unknown. */
  lag: number | undefined;
  pendingRestart: boolean;
  /** What the restart is for, as Patroni tells since its version 4: the parameters, with their values as text; absent where it does not. */
  pendingReasons?: Readonly<Record<string, { from: string; to: string }>>;
  /** When Patroni is to restart its PostgreSQL, as Patroni has it; absent where no restart is scheduled. */
  scheduledRestart?: string;
  /** As they are in force; absent where Patroni tells of none. */
  tags?: Readonly<Record<string, unknown>>;
}

/** A switchover that Patroni is to carry out later. */
export interface ScheduledSwitchover {
  /** As Patroni has it, with its zone. */
  at: string;
  from?: string;
  to?: string;
}

/** Where a server is in the WAL: a leader's `location`; what a standby `received` and `replayed`, and whether its replay is paused. */
export interface WalPositions {
  location?: number;
  received?: number;
  replayed?: number;
  paused: boolean;
}

/** What a host's Patroni says of itself and of its cluster. */
export type PatroniMemberState =
  | { answers: false }
  | {
      answers: true;
      state: string;
      /** `leader` for master/primary/standby_leader, `replica` otherwise. */
      role: 'leader' | 'replica';
      scope: string;
      /** What the member calls itself, where Patroni tells. */
      name?: string;
      version: string;
      systemIdentifier: string | undefined;
      timeline: number | undefined;
      /** e.g. 170006 */
      serverVersion: number | undefined;
      postmasterStart: string | undefined;
      pendingRestart: boolean;
      /** As for `ClusterMember`, by the member's own word, which is there before the cluster has it. */
      pendingReasons?: ClusterMember['pendingReasons'];
      replication: ReplicationConnection[];
      /** Positions in the WAL, in bytes; absent where PostgreSQL does not run. */
      wal?: WalPositions;
      cluster: ClusterMember[];
      /** Patroni is in maintenance mode; absent where it is not. */
      paused?: true;
      /** Absent where none is. */
      scheduled?: ScheduledSwitchover;
    };

/** The observation's id, for guards, checks, ordering and status. */
export const PATRONI_MEMBER = handle<PatroniMemberState>('patroni-member');

const LEADER_ROLES = new Set(['master', 'primary', 'leader', 'standby_leader']);

/** Asks a member's REST API; `url` is `http://10.0.0.11:8008`. */
export function patroniMember(url: string): Observation<PatroniMemberState> {
  const question = patroniQuestion(url);
  return {
    ...PATRONI_MEMBER,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => readMember(answerText(answer), url),
  };
}

/** Asks a member's REST API for itself and for its cluster. */
export function patroniQuestion(url: string): SharedQuestion {
  return restQuestion(`${url}/patroni`, `${url}/cluster`);
}

/** Reads the answer to `patroniQuestion`. */
export function readMember(text: string, url: string): PatroniMemberState {
  const status = parseObject(findRest(text, `${url}/patroni`).body);
  if (status === undefined) return { answers: false };
  const cluster = parseObject(findRest(text, `${url}/cluster`).body);
  const own = readStatus(status);
  return {
    answers: true,
    ...own,
    cluster: readCluster(cluster).map((member) => ({ ...member, state: listedState(own, member) })),
    ...(cluster?.['pause'] === true ? { paused: true } : {}),
    ...readScheduled(cluster?.['scheduled_switchover']),
  };
}

/** Whether a server has a connection from this standby that streams, by the server's own word. */
export function streamsTo({ replication }: { replication: readonly ReplicationConnection[] }, standby: string): boolean {
  return replication.some(({ application, state }) => application === standby && state === 'streaming');
}

/** Before Patroni 3.0.4, of which Debian 12 has one, a standby is "running" also while it streams; the server that it streams from knows. */
function listedState(
  { version, replication }: { version: string; replication: readonly ReplicationConnection[] },
  { name, role, state }: ClusterMember,
): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const isOld = major < 3 || (major === 3 && minor === 0 && patch < 4);
  return isOld && state === 'running' && !LEADER_ROLES.has(role) && streamsTo({ replication }, name) ? 'streaming' : state;
}

/** Whether a member's PostgreSQL leads, and the cluster knows it by this name as the one that holds the lock. */
export function holdsLeaderLock(member: PatroniMemberState, name: string): boolean {
  if (!member.answers || member.role !== 'leader') return false;
  return member.cluster.some((listed) => listed.name === name && LEADER_ROLES.has(listed.role));
}

type Json = Record<string, unknown>;

function parseObject(line: string): Json | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}

function readStatus(status: Json): Omit<Extract<PatroniMemberState, { answers: true }>, 'answers' | 'cluster' | 'paused' | 'scheduled'> {
  const patroni = (status['patroni'] ?? {}) as Json;
  const name = text(patroni['name']);
  const connections = ((status['replication'] ?? []) as Json[]).filter(({ state }) => state !== ASKED_FOR_NOTHING);
  return {
    state: text(status['state']) ?? 'unknown',
    role: LEADER_ROLES.has(text(status['role']) ?? '') ? 'leader' : 'replica',
    scope: text(patroni['scope']) ?? '',
    ...(name === undefined ? {} : { name }),
    version: text(patroni['version']) ?? '',
    systemIdentifier: text(status['database_system_identifier']),
    timeline: number(status['timeline']),
    serverVersion: number(status['server_version']),
    postmasterStart: text(status['postmaster_start_time']),
    pendingRestart: status['pending_restart'] === true,
    ...readReasons(status['pending_restart_reason']),
    ...readWal(status['xlog']),
    replication: connections.map((connection) => ({
      application: text(connection['application_name']) ?? '',
      state: text(connection['state']) ?? '',
      syncState: text(connection['sync_state']) ?? '',
    })),
  };
}

function readWal(xlog: unknown): { wal?: WalPositions } {
  if (!isObject(xlog)) return {};
  const { location, received_location, replayed_location, paused } = xlog;
  const at = (name: string, value: unknown): object => (typeof value === 'number' ? { [name]: value } : {});
  return {
    wal: {
      ...at('location', location),
      ...at('received', received_location),
      ...at('replayed', replayed_location),
      paused: paused === true,
    },
  };
}

function readCluster(cluster: Json | undefined): ClusterMember[] {
  return ((cluster?.['members'] ?? []) as Json[]).map((member) => ({
    name: text(member['name']) ?? '',
    role: text(member['role']) ?? '',
    state: text(member['state']) ?? '',
    timeline: number(member['timeline']),
    lag: number(member['lag']),
    pendingRestart: member['pending_restart'] === true,
    ...readReasons(member['pending_restart_reason']),
    ...readScheduledRestart(member['scheduled_restart']),
    ...(isObject(member['tags']) ? { tags: member['tags'] } : {}),
  }));
}

function readReasons(value: unknown): Pick<ClusterMember, 'pendingReasons'> {
  if (!isObject(value)) return {};
  const reasons = Object.entries(value).flatMap(([name, reason]) =>
    isObject(reason) ? [[name, { from: valueText(reason['old_value']), to: valueText(reason['new_value']) }] as const] : [],
  );
  return { pendingReasons: Object.fromEntries(reasons) };
}

function readScheduledRestart(value: unknown): Pick<ClusterMember, 'scheduledRestart'> {
  return isObject(value) ? { scheduledRestart: text(value['schedule']) ?? '' } : {};
}

/** Patroni gives a value as text, a number or true; null for one that is taken away. */
function valueText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

function readScheduled(value: unknown): { scheduled?: ScheduledSwitchover } {
  if (!isObject(value)) return {};
  const [at, from, to] = ['at', 'from', 'to'].map((key) => text(value[key]));
  return { scheduled: { at: at ?? '', ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) } };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
