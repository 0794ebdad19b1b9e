import { enumerate, lsnBytes, type ClusterData, type TimelineEnd } from '../../src/index.js';

/** A host's data directory, of a database that others have as well. */
export interface HostData {
  host: string;
  data: ClusterData;
}

/** Who has the last commits of a database that is down. */
export type Furthest =
  /** None of the others has a commit on the newest timeline that this host lacks. */
  | { kind: 'known'; host: string }
  /** It cannot be known; `why` is a clause that names the hosts: `it is unknown how far the WAL of pg2 goes`. `unread`: whose data or WAL it cannot be read of. */
  | { kind: 'unknown'; why: string; unread?: readonly string[] }
  /** These hosts wrote two histories under one timeline number. */
  | { kind: 'forked'; hosts: [string, string]; timeline: number };

/** pg_controldata's states of a server that was no standby when it was last open, the cleanly ended first. */
const WRITERS = ['shut down', 'shutting down', 'in production', 'in crash recovery', 'starting up'];

/**
 * Finds the host that must be started first, from data directories whose servers are down, or run without a Patroni that counts them
 * in an election (see `standsForElection`).
 *
 * What it rests on:
 * - A timeline has one writer, and a promotion begins a new one; so the newest timeline is the cluster's, and what a host has of
 *   an older one after the newest left it is what that failover lost. A standby knows of a newer timeline as soon as its WAL
 *   receiver has the history file, so a history file without data of its timeline tells of a member that is not here.
 * - On one timeline, with one history, the WAL of all members is the same as far as each has it: who has the later last record
 *   has all that the others have.
 * - A primary that ended cleanly wrote its shutdown checkpoint last, at the checkpoint's location in pg_control. A standby that
 *   was stopped before it lacks that record and maybe more; one that has it has the same commits.
 * - Of a standby pg_control holds only the last restartpoint and the minimum recovery ending location, and of a crashed primary
 *   only the last checkpoint; both may have written much WAL since. So their last record is read from pg_wal.
 * - A server that runs writes on, so what pg_control and pg_wal say of it is past. One that is in production writes its timeline, and
 *   nobody has more of that; how far any other one is cannot be known.
 * - Two servers that were promoted from one timeline without knowing of each other choose the same number; their history files
 *   then differ in where they left it.
 * - Patroni notes each timeline that its leader left. What a member wrote of one after that was lost in the failover; but where Patroni has
 *   noted no such end, somebody else promoted the newest timeline, and the WAL beyond its beginning may be what clients were told of.
 *
 * @param noted the timelines that are over, by Patroni's store; undefined where it does not answer
 */
export function furthest(members: readonly HostData[], noted?: readonly TimelineEnd[]): Furthest | undefined {
  const [only, ...more] = members;
  if (only === undefined) return undefined;
  const blind = members.filter(({ data }) => data.position === undefined);
  if (blind.length > 0) return { kind: 'unknown', why: `pg_controldata cannot read the data of ${list(blind)}`, unread: hostsOf(blind) };
  const newest = Math.max(...members.map(({ data }) => timelineOf(data)));
  const told = members.find(({ data }) => (data.history?.timeline ?? 0) > newest);
  if (told !== undefined) {
    return {
      kind: 'unknown',
      why: `${told.host} knows of timeline ${told.data.history?.timeline}, and none of these hosts has data of it`,
    };
  }
  if (more.length === 0) return { kind: 'known', host: only.host };
  const candidates = members.filter(({ data }) => timelineOf(data) === newest);
  const other = differing(candidates, newest);
  if (other !== undefined) return { kind: 'forked', hosts: other, timeline: newest };
  const left = noted === undefined ? undefined : leftBehind(members, newest, noted);
  if (left !== undefined) return left;
  const [first, ...rest] = [...candidates].sort(byLastRecord);
  if (first === undefined || rest.length === 0) return { kind: 'known', host: candidates[0]?.host ?? only.host };
  const serving = candidates.filter(({ data }) => data.running);
  const [writer, rival] = serving.filter(({ data }) => data.clusterState === 'in production');
  if (writer !== undefined && rival !== undefined) return { kind: 'forked', hosts: [writer.host, rival.host], timeline: newest };
  if (writer !== undefined) return { kind: 'known', host: writer.host };
  if (serving.length > 0)
    return { kind: 'unknown', why: `PostgreSQL runs on ${list(serving)}, and no Patroni there reports its WAL position` };
  const unread = candidates.filter(({ data }) => data.position?.lastRecord === undefined);
  if (unread.length > 0) return { kind: 'unknown', why: `it is unknown how far the WAL of ${list(unread)} goes`, unread: hostsOf(unread) };
  return { kind: 'known', host: first.host };
}

function timelineOf({ position }: ClusterData): number {
  return position?.timeline ?? 0;
}

/** The furthest first; of those that are equally far one that was no standby, ended cleanly where there is a choice. */
function byLastRecord(a: HostData, b: HostData): number {
  const [one, other] = [lsnBytes(a.data.position?.lastRecord ?? '0/0'), lsnBytes(b.data.position?.lastRecord ?? '0/0')];
  if (one !== other) return one > other ? -1 : 1;
  return rank(a.data) - rank(b.data);
}

function rank({ clusterState = '' }: ClusterData): number {
  const at = WRITERS.indexOf(clusterState);
  return at < 0 ? WRITERS.length : at;
}

/** Two hosts whose histories of that timeline differ; one that has no history file cannot be compared. */
function differing(candidates: readonly HostData[], timeline: number): [string, string] | undefined {
  const known = candidates.flatMap(({ host, data }) =>
    data.history?.timeline === timeline ? [{ host, forks: data.history.forks.join() }] : [],
  );
  const other = known.find(({ forks }) => forks !== known[0]?.forks);
  return other === undefined || known[0] === undefined ? undefined : [known[0].host, other.host];
}

/** A member that went on with a timeline where one on the newest left it, by no promotion of Patroni's. */
function leftBehind(members: readonly HostData[], newest: number, noted: readonly TimelineEnd[]): Furthest | undefined {
  const ahead = members.find(({ data }) => timelineOf(data) === newest && data.history?.timeline === newest);
  for (const fork of ahead?.data.history?.forks ?? []) {
    const [left, at = '0/0'] = fork.split(' ');
    const timeline = Number(left);
    const end = lsnBytes(at);
    if (noted.some((each) => each.timeline === timeline && BigInt(each.at) === end)) continue;
    const beyond = members.find(({ data }) => timelineOf(data) === timeline && lsnBytes(data.position?.lastRecord ?? '0/0') >= end);
    if (ahead !== undefined && beyond !== undefined) return { kind: 'forked', hosts: [ahead.host, beyond.host], timeline };
  }
  return undefined;
}

function list(members: readonly HostData[]): string {
  return enumerate(hostsOf(members));
}

function hostsOf(members: readonly HostData[]): string[] {
  return members.map(({ host }) => host);
}
