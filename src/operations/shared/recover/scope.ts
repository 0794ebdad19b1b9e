import { formatLsn, lsnBytes, type ClusterData, type View } from '../../../index.js';
import { mostLag } from '../members.js';
import { foreignScopes, newestScope, type KeptScope } from './copies.js';
import { firstOf, usableData, type RecoverRun } from './seen.js';

/** What is put back of a copy of Patroni's keys. */
export interface RestoredScope {
  from: KeptScope;
  /** Values by the keys' names, in the order in which they are put back; `config` and `initialize` are not among them. */
  keys: ReadonlyMap<string, string>;
  /** What differs from the copy, and why, a clause each. */
  notes: readonly string[];
}

/** Keys that tell of a moment that is over: who led, who was there, a switchover that was to come. */
const MOMENTARY = /^(?:leader|members\/.*|failover|optime\/.*)$/u;

/** What Patroni itself notes of a promotion, as far as PostgreSQL's history file has told pgprov. */
const PROMOTED = 'no recovery target specified';

/**
 * Patroni's keys from the newest copy, brought to what the data says: a copy may be older than the last failover, and then says of who may lead, and
 * of the timelines, what no longer holds.
 */
export function restoredScope(run: RecoverRun): RestoredScope | undefined {
  const from = newestScope(run);
  if (from === undefined) return undefined;
  const first = firstOf(run.view);
  const keys = new Map([...from.keys].filter(([name]) => !MOMENTARY.test(name) && !['config', 'initialize'].includes(name)));
  const notes = [...foreignScopes(run)];
  if (first !== undefined) {
    notes.push(...correctHistory(keys, run.view, first), ...correctSync(keys, first), ...correctStatus(keys, run.view, first));
  }
  if (from.others > 0)
    notes.push(`${from.others} keys there that are not Patroni’s are not put back; they stay in the data that is put aside`);
  return { from, keys, notes };
}

function dataOfFirst(view: View, first: string): ClusterData | undefined {
  return usableData(view).find(({ host }) => host.name === first)?.data;
}

/** The timelines before the one of the member with the last commits, by its own history; what the copy has noted of them besides stays. */
function correctHistory(keys: Map<string, string>, view: View, first: string): string[] {
  const data = dataOfFirst(view, first);
  const newest = data?.position?.timeline ?? 0;
  const noted = new Map(linesOf(keys.get('history')).map((line) => [line[0], line]));
  const lost = [...noted.keys()].filter((timeline) => timeline >= newest);
  const own = data?.history?.timeline === newest ? data.history.forks : undefined;
  const right =
    own === undefined
      ? [...noted.values()].filter(([timeline]) => timeline < newest)
      : own.map((fork): HistoryLine => {
          const [timeline, at] = [Number(fork.split(' ')[0]), Number(lsnBytes(fork.split(' ')[1] ?? '0/0'))];
          const known = noted.get(timeline);
          return known?.[1] === at ? known : [timeline, at, PROMOTED];
        });
  const added = right.filter((line) => noted.get(line[0]) !== line).map(([timeline]) => timeline);
  if (right.length === 0) keys.delete('history');
  else keys.set('history', JSON.stringify(right));
  return [
    ...(added.length === 0 ? [] : [`it does not know how timeline ${added.join(', ')} was left, which ${first}’s history says`]),
    ...(lost.length === 0
      ? []
      : [`it knows of timeline ${Math.max(...lost) + 1}, of which no member has data: the commits on it are lost`]),
  ];
}

/** A line of Patroni's key `history`: the timeline, where it was left, and more. */
type HistoryLine = [timeline: number, at: number, ...more: unknown[]];

function linesOf(value = ''): HistoryLine[] {
  try {
    const lines: unknown = JSON.parse(value);
    return Array.isArray(lines) ? lines.filter(isHistoryLine) : [];
  } catch {
    return [];
  }
}

function isHistoryLine(line: unknown): line is HistoryLine {
  return Array.isArray(line) && typeof line[0] === 'number' && typeof line[1] === 'number';
}

/** With synchronous replication Patroni lets only those lead that the key names, as of when it was written. */
function correctSync(keys: Map<string, string>, first: string): string[] {
  const value = keys.get('sync');
  if (value === undefined) return [];
  const { leader, sync_standby: standbys } = parsedObject(value);
  const named = [leader, ...(typeof standbys === 'string' ? standbys.split(',') : [])];
  if (typeof leader !== 'string' || named.includes(first)) return [];
  keys.delete('sync');
  return [`its key sync names ${leader} as the leader and not ${first}, which has the last commits, and is left out`];
}

/** Patroni lets nobody lead that is too far behind what the last leader noted. */
function correctStatus(keys: Map<string, string>, view: View, first: string): string[] {
  const status = parsedObject(keys.get('status') ?? '');
  const last = dataOfFirst(view, first)?.position?.lastRecord;
  const noted = status['optime'];
  if (typeof noted !== 'number' || last === undefined || noted - Number(lsnBytes(last)) <= mostLag(view)) return [];
  keys.set('status', JSON.stringify({ ...status, optime: Number(lsnBytes(last)) }));
  return [`the last leader was at ${formatLsn(noted)}, and ${first} ends at ${last}: the commits in between are lost`];
}

function parsedObject(value: string): Record<string, unknown> {
  try {
    const object: unknown = JSON.parse(value);
    return typeof object === 'object' && object !== null ? (object as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
