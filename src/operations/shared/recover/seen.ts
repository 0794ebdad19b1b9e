import {
  DATA_DIRECTORY,
  INTERRUPTED_BOOTSTRAP,
  neverServed,
  PATRONI_TAKEN,
  recoveryWords,
  PATRONI_MEMBER,
  type ClusterData,
  type Host,
  type JsonObject,
  type OperationRun,
  type View,
} from '../../../index.js';
import { furthest, type Furthest } from '../../../../roles/shared/furthest.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { notedEnds, standsForElection } from '../../../../roles/shared/leader-in-store.js';
import { answerOf, leaderOf, storeOf } from '../members.js';
import { runningOf } from '../stopped.js';

/** The options of `pgprov recover`. */
export interface RecoverOptions {
  /** Hosts that are gone on without, with commas between them. */
  without?: string;
}

/** What `pgprov recover` decides from. */
export type RecoverRun = OperationRun<RecoverOptions>;

/** A member's data, and what runs with it. */
export interface DownMember {
  host: Host;
  data: ClusterData;
  patroni: boolean;
}

/** The member that leads with the lock, and whose PostgreSQL runs. */
export function workingLeader(view: View): string | undefined {
  const leader = leaderOf(view);
  return leader !== undefined && storeOf(view) !== undefined && answerOf(view, leader)?.state === 'running' ? leader : undefined;
}

/** Hosts that are gone on without. */
export function givenUp({ options: { without = '' } }: Pick<RecoverRun, 'options'>): string[] {
  return without
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Members whose hosts cannot be reached and that nobody has given up. */
export function awayMembers(run: RecoverRun): string[] {
  return hostsWith(run.inventory, 'patroni')
    .map(({ name }) => name)
    .filter((name) => !run.view.surveyed(name) && !givenUp(run).includes(name));
}

/** The members with a database, or what is left of one; not those with a copy that came to no end, or a bootstrap that never served. */
export function dataOf(view: View): DownMember[] {
  return view.hosts('patroni').flatMap((host): DownMember[] => {
    const data = view.read(host.name, DATA_DIRECTORY);
    const bootstrap = view.read(host.name, INTERRUPTED_BOOTSTRAP);
    if (data?.kind !== 'cluster' || data.copy !== 'none' || data.unstarted === true) return [];
    if (bootstrap !== undefined && neverServed(bootstrap)) return [];
    return [{ host, data, patroni: runningOf(view, host.name)?.patroni === true }];
  });
}

/** The members with data that PostgreSQL can read. */
export function readableData(view: View): DownMember[] {
  return dataOf(view).filter(({ data }) => data.control === 'valid');
}

/** The system identifier that the data is known by: the store's, or that of all data where the store has none. */
export function identifierOf(view: View): string | undefined {
  const known = storeOf(view)?.initialize ?? '';
  if (known !== '') return known;
  const found = new Set(readableData(view).map(({ data }) => data.systemIdentifier));
  return found.size === 1 ? [...found][0] : undefined;
}

/** The members that have this cluster's data, with which it can be started. */
export function usableData(view: View): DownMember[] {
  const identifier = identifierOf(view);
  return readableData(view).filter(({ data }) => data.systemIdentifier === identifier);
}

/** Who has the last commits, as far as can be told of servers that are down. */
export function furthestOf(view: View): Furthest | undefined {
  const members = usableData(view).map(({ host, data }) => ({ host: host.name, data }));
  return furthest(members, notedEnds(view));
}

/** The member with the last commits, where that is known. */
export function firstOf(view: View): string | undefined {
  const found = furthestOf(view);
  return found?.kind === 'known' ? found.host : undefined;
}

/** Members whose PostgreSQL runs and that an election counts, which a store that works lets Patroni hold by itself. */
export function standing(view: View): string[] {
  if (storeOf(view) === undefined) return [];
  return usableData(view).flatMap(({ host, data }) => (data.running && standsForElection(view, host.name) ? [host.name] : []));
}

/** Members whose PostgreSQL replays WAL, and what it does, as a clause. */
export function recovering(view: View): { host: string; words: string }[] {
  return usableData(view).flatMap(({ host, data }) => {
    if (standsForElection(view, host.name)) return [];
    const words = recoveryWords(data, view.read(host.name, PATRONI_MEMBER));
    return words === undefined ? [] : [{ host: host.name, words }];
  });
}

/** Whether Patroni or PostgreSQL runs on a member. */
export function isUp(view: View, host: string): boolean {
  const runs = runningOf(view, host);
  return runs?.patroni === true || runs?.postgresql === true;
}

/** Whether Patroni starts there at boot. */
export function startsAtBoot(view: View, host: string): boolean {
  return runningOf(view, host)?.enabled === true;
}

/** The dynamic configuration that Patroni on the member used last. */
export function usedConfig(view: View, host: string): JsonObject | undefined {
  return view.read(host, PATRONI_TAKEN);
}
