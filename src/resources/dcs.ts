import { answerText, type Observation } from './resource.js';
import type { JsonObject } from './dynamic-config.js';
import { handle } from './handle.js';
import { printAnswer, type SharedQuestion } from './shared-question.js';
import type { Promotion, StoredKey } from '../lib/cluster-status.js';
import { lastPromotion } from './last-promotion.js';
import { readTimelineEnds, type TimelineEnd } from './patroni/history.js';
import type { Script } from '../shell/quote.js';

/** A key of a scope as the store has it. */
export interface DcsKey {
  value: string;
  /** What the store tells later writes from this one by, for `put`. */
  revision: string;
}

/**
 * How a host reads and writes what Patroni keeps in its store under one scope. Keys are named as in Patroni, without the scope's prefix:
 * `initialize`, `leader`, `config`, `members/pg1`. A file a store, `src/resources/<store>-keys.ts`.
 */
export interface DcsKeys {
  /** What people call the store: `etcd`. */
  readonly name: string;
  /** Asks for all keys of the scope. */
  readonly question: SharedQuestion;
  /** A pattern of the shell's `case` that the question's variable matches where somebody holds the leader key. */
  readonly led: Script;
  /** Finds the keys in the answer to `question`; where there is none, why, in one line. */
  find(text: string): ReadonlyMap<string, DcsKey> | string;
  /** Takes the key `initialize` away where it is empty; a bootstrap that completes at this moment keeps its key. */
  clearMark(): Script;
  /**
   * Puts a value in place of the one that was read. It fails with a sentence when somebody else has written the key meanwhile, unless
   * that was this value: an answer may be lost.
   */
  put(key: string, value: string, revision: string): Script;
  /** Takes a key away that was read with this revision; fails as `put` does, and one that is gone already is well. */
  remove(key: string, revision: string): Script;
  /** What `put` is given as the revision of a key that is not there. */
  readonly absent: string;
  /** The key as the store names it, `/service/demo/config`, and the command that shows it to a person. */
  show(key: string): { path: string; command: string };
}

/** A member as Patroni registered it. */
export interface DcsMember {
  name: string;
  /** `postgres://10.0.0.11:5432/postgres` */
  connUrl: string;
  state: string;
  role: string;
  /** Its Patroni has seen that the cluster is in maintenance mode, and acts by it; absent where it has not. */
  paused?: true;
}

/** The dynamic configuration as the store has it. */
export interface StoredConfig {
  current: JsonObject;
  revision: string;
}

/** What the store knows of a Patroni scope. */
export type DcsState =
  | { reachable: false; why: string }
  | {
      reachable: true;
      /** System identifier; '' while a bootstrap is under way; undefined when the scope is unknown. */
      initialize: string | undefined;
      leader: string | undefined;
      members: DcsMember[];
      config: Record<string, unknown> | undefined;
      /** The last change of the leader; absent where there was none yet. */
      lastPromotion?: Promotion;
      /** The timelines that are over, in their order; absent where Patroni has noted none. */
      timelineEnds?: readonly TimelineEnd[];
      /** All keys of the scope, in the store's order. */
      keys?: readonly StoredKey[];
      /** How far in the WAL, in bytes, the leader was when it last noted that, which it does once a loop; absent where none ever has. */
      leaderPosition?: number;
      /** Slots that Patroni keeps, those of members that are gone included, until `member_slots_ttl` is over; absent where it tells of none. */
      retainedSlots?: readonly string[];
      /** With synchronous replication: who led, and the standbys that have every commit that was waited for; absent without. */
      sync?: { leader: string; standbys: readonly string[] };
      /** Keys whose values are not what Patroni writes there, which count as absent, a sentence each. */
      unreadable?: string[];
    };

/** The observation's id, for guards that look it up. */
export const DCS = handle<DcsState>('dcs');

/** Reads a scope's keys. */
export function dcs(keys: DcsKeys): Observation<DcsState> {
  return {
    ...DCS,
    sharedQuestions: [keys.question],
    probe: () => printAnswer(keys.question),
    parse: (answer) => readScope(keys, answerText(answer)),
  };
}

/** Reads the answer to the keys' question. */
export function readScope(keys: DcsKeys, text: string): DcsState {
  const values = keys.find(text);
  if (typeof values === 'string') return { reachable: false, why: values };
  const unreadable: string[] = [];
  const objectAt = (key: string): Record<string, unknown> | undefined => {
    const value = values.get(key)?.value;
    if (value === undefined) return undefined;
    const object = parseObject(value);
    if (object === undefined) {
      const { path, command } = keys.show(key);
      unreadable.push(`${keys.name}: the value of ${path} is not what Patroni writes there; \`${command}\`, as root on a member, shows it`);
    }
    return object;
  };
  const members = [...values.keys()]
    .filter((key) => key.startsWith('members/'))
    .flatMap((key): DcsMember[] => {
      const member = objectAt(key);
      if (member === undefined) return [];
      return [
        {
          name: key.slice('members/'.length),
          connUrl: asText(member['conn_url']),
          state: asText(member['state']),
          role: asText(member['role']),
          ...(member['pause'] === true ? { paused: true as const } : {}),
        },
      ];
    });
  const config = objectAt('config');
  const timelineEnds = readTimelineEnds(values.get('history')?.value ?? '') ?? [];
  return {
    reachable: true,
    initialize: values.get('initialize')?.value,
    leader: values.get('leader')?.value,
    members,
    config,
    ...lastPromotion(values.get('history')?.value),
    ...(timelineEnds.length === 0 ? {} : { timelineEnds }),
    ...(values.size === 0 ? {} : { keys: [...values].map(([key, { value }]) => ({ key, bytes: Buffer.byteLength(value), value })) }),
    ...readStatus(values.get('status')?.value),
    ...readSync(values.get('sync')?.value),
    ...(unreadable.length === 0 ? {} : { unreadable }),
  };
}

/** A scope for who changes its keys: as it is read, and its keys by name. */
export interface StoredScope {
  scope: Extract<DcsState, { reachable: true }>;
  found: ReadonlyMap<string, DcsKey>;
  /** Absent where there is no such key; of one that is no JSON object nothing can be kept. */
  config?: StoredConfig;
}

/** Reads the answer to the keys' question for who changes them; undefined where the store did not tell. */
export function findStored(keys: DcsKeys, text: string): StoredScope | undefined {
  const found = keys.find(text);
  const scope = readScope(keys, text);
  if (typeof found === 'string' || !scope.reachable) return undefined;
  const key = found.get('config');
  return {
    scope,
    found,
    ...(key === undefined ? {} : { config: { current: (scope.config ?? {}) as JsonObject, revision: key.revision } }),
  };
}

function readStatus(value = ''): { leaderPosition?: number; retainedSlots?: readonly string[] } {
  const { optime: position, retain_slots: slots } = parseObject(value) ?? {};
  return {
    ...(typeof position === 'number' && position > 0 ? { leaderPosition: position } : {}),
    ...(Array.isArray(slots) && slots.length > 0 ? { retainedSlots: slots.map(asText) } : {}),
  };
}

function readSync(value = ''): { sync?: { leader: string; standbys: readonly string[] } } {
  const sync = parseObject(value);
  const leader = asText(sync?.['leader']);
  if (leader === '') return {};
  // With quorum commit all members that vote stand there, a comma between them.
  const standbys = asText(sync?.['sync_standby'])
    .split(',')
    .filter((name) => name !== '');
  return { sync: { leader, standbys } };
}

function parseObject(value: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
