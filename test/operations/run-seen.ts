import type { Inventory } from '../../src/model/index.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { View } from '../../src/plan/view.js';
import { DCS, type DcsState } from '../../src/resources/dcs.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER, type ClusterMember, type PatroniMemberState } from '../../src/resources/patroni/member.js';
import { contextOf } from '../support/inventory.js';

type Answer = Extract<PatroniMemberState, { answers: true }>;
type Store = Extract<DcsState, { reachable: true }>;

/** What differs from a cluster in which pg1 leads and the others stream; the leader has connections from those that are listed as streaming. */
export interface Seen {
  /** null: nobody leads. */
  leader?: string | null;
  /** What differs in how Patroni lists a member; null: not at all. */
  listed?: Record<string, Partial<ClusterMember> | null>;
  /** What differs in what a member says of itself; null: it does not answer. */
  own?: Record<string, Partial<Answer> | null>;
  config?: Record<string, unknown>;
  /** What differs in what the store knows; null: it does not answer. */
  store?: Partial<Store> | null;
  /** Hosts that could not be reached. */
  off?: readonly string[];
  /** More that was seen of each host, by the observations' ids. */
  more?: Record<string, Readonly<Record<string, unknown>>>;
}

/** What an operation has besides what was seen; default: nothing. */
export interface Known {
  done?: readonly string[] | undefined;
  chosenHosts?: readonly string[] | undefined;
  planned?: OperationRun<object>['planned'];
}

/** An operation that decides from what was seen of a Patroni cluster. */
export function runSeen<Options extends object>(
  inventory: Inventory,
  seen: Seen,
  options: Options,
  known: Known = {},
): OperationRun<Options> {
  const { leader: holder = 'pg1', listed = {}, own = {}, config = {}, store = {}, off = [], more = {} } = seen;
  const leader = holder ?? undefined;
  const names = inventory.hosts.map(({ name }) => name);
  const cluster = names.flatMap((name): ClusterMember[] =>
    listed[name] === null
      ? []
      : [
          {
            name,
            role: name === leader ? 'leader' : 'replica',
            state: name === leader ? 'running' : 'streaming',
            timeline: 4,
            lag: name === leader ? undefined : 0,
            pendingRestart: false,
            ...listed[name],
          },
        ],
  );
  const connections = cluster
    .filter(({ state }) => state === 'streaming')
    .map(({ name }) => ({ application: name, state: 'streaming', syncState: 'async' }));
  const stored: DcsState =
    store === null ? { reachable: false, why: 'no quorum' } : { reachable: true, initialize: '7', leader, members: [], config, ...store };
  const answering = names.filter((name) => !off.includes(name));
  const states = answering.map((name): [string, Record<string, unknown>] => {
    const answer: PatroniMemberState =
      own[name] === null
        ? { answers: false }
        : {
            answers: true,
            state: 'running',
            role: name === leader ? 'leader' : 'replica',
            scope: 'demo',
            version: '4.0.7',
            systemIdentifier: '7',
            timeline: 4,
            serverVersion: 170006,
            postmasterStart: undefined,
            pendingRestart: false,
            replication: name === leader ? connections : [],
            cluster,
            ...(config['pause'] === true ? { paused: true } : {}),
            ...own[name],
          };
    return [name, { [PATRONI_MEMBER.id]: answer, [DCS.id]: stored, ...more[name] }];
  });
  return runOver(inventory, Object.fromEntries(states), options, known);
}

/** An operation that decides from these states of hosts, by the observations' ids; hosts without any could not be reached. */
export function runOver<Options extends object>(
  inventory: Inventory,
  states: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  options: Options,
  { done = [], chosenHosts, planned }: Known = {},
): OperationRun<Options> {
  const facts = { [HOST_FACTS.id]: { os: 'debian', version: '13' } };
  const seen = Object.entries(states).map(([name, each]) => [name, new Map(Object.entries({ ...facts, ...each }))] as const);
  return {
    view: new View(inventory, new Map(seen)),
    catalog: [],
    kept: {
      authority: { certificate: undefined, phase: undefined, signs: true, issued: new Map(), revoked: [] },
      passwords: ['replication.password'],
      rotation: undefined,
    },
    chosenHosts,
    planned,
    holdsData: true,
    inventory,
    options,
    done: new Set(done),
    contextOf: (host) => contextOf(inventory, host),
  };
}
