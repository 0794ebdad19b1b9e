import {
  ASIDE,
  readConfig,
  SAVED_KEYS,
  shownPath,
  STORE_LEFT,
  valuesInKeys,
  type JsonObject,
  type ScopeCopy,
  type View,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { identifierOf, type RecoverRun } from './seen.js';

/** What was kept of Patroni's keys outside of the store that has lost them. */
export interface KeptScope {
  /** Where it is from, and how old it is: `etcd’s data on pg3, last written 2026-11-29 05:40 UTC`. */
  words: string;
  at: string;
  keys: ReadonlyMap<string, string>;
  /** Keys of others that the same store has. */
  others: number;
  /** Only keys that a snapshot keeps; else all that a member of the store had. */
  isSnapshot: boolean;
}

/** The newest copy of the cluster's keys: of a member's data, in its place or put aside, or of a snapshot. It has the identifier of the data. */
export function newestScope(run: RecoverRun): KeptScope | undefined {
  const identifier = identifierOf(run.view);
  return keptScopes(run).find(({ keys }) => identifier !== undefined && keys.get('initialize') === identifier);
}

/** Copies that are newer than the one that is taken, and of another cluster than the data, by their words. */
export function foreignScopes(run: RecoverRun): string[] {
  const taken = newestScope(run);
  const identifier = identifierOf(run.view);
  return keptScopes(run)
    .filter(({ at, keys }) => at > (taken?.at ?? '') && keys.get('initialize') !== identifier && (keys.get('initialize') ?? '') !== '')
    .map(({ words, keys }) => `${words}, is of another cluster (system identifier ${keys.get('initialize')})`);
}

/** What of the store's data cannot be read, a sentence each. */
export function unreadCopies({ view, inventory }: RecoverRun): string[] {
  return hostsWith(inventory, dcsOf(inventory).role).flatMap(({ name }) =>
    (view.read(name, STORE_LEFT)?.unread ?? []).map((why) => `${name}: ${why}`),
  );
}

/** The configurations that snapshots have, the newest first. */
export function savedConfigs({ kept: { snapshots = [] } }: RecoverRun): { config: JsonObject; words: string }[] {
  return snapshots.flatMap(({ file, at, files }) => {
    const config = readConfig(valuesInKeys(textOf(files)).get('config'));
    return config === undefined ? [] : [{ config, words: snapshotWords(file, at) }];
  });
}

function keptScopes(run: RecoverRun): KeptScope[] {
  return [...memberCopies(run), ...snapshotCopies(run)].sort((a, b) => (a.at > b.at ? -1 : 1));
}

/** Members that are in their places count each other's writes, so the one with more is newer, whatever their clocks say. */
function memberCopies({ view, inventory }: RecoverRun): KeptScope[] {
  const store = dcsOf(inventory);
  const all = hostsWith(inventory, store.role).flatMap(({ name }) => copiesOn(view, name).map((copy) => ({ host: name, ...copy })));
  const [newest] = all.filter(({ path }) => !isAside(path)).sort((a, b) => b.revision - a.revision);
  return all
    .filter((copy) => isAside(copy.path) || copy === newest)
    .map(({ host, path, at, keys, others }) => ({
      words: `${store.name}’s data on ${host}${isAside(path) ? ` that was put aside (${path})` : ''}, last written ${timeText(at)}`,
      at,
      keys,
      others,
      isSnapshot: false,
    }));
}

const copiesOn = (view: View, host: string): readonly ScopeCopy[] => view.read(host, STORE_LEFT)?.copies ?? [];

const isAside = (path: string): boolean => path.includes(ASIDE);

function snapshotCopies({ kept: { snapshots = [] } }: RecoverRun): KeptScope[] {
  return snapshots.map(({ file, at, files }) => ({
    words: snapshotWords(file, at),
    at,
    keys: valuesInKeys(textOf(files)),
    others: 0,
    isSnapshot: true,
  }));
}

function textOf(files: ReadonlyMap<string, Buffer>): string {
  return files.get(SAVED_KEYS)?.toString('utf8') ?? '';
}

function snapshotWords(file: string, at: string): string {
  return `the snapshot ${shownPath(file)}, taken ${timeText(at)}`;
}

/** `2026-11-29 05:40 UTC` */
function timeText(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}
