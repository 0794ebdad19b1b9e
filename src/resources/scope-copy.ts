import { handle } from './handle.js';

/** What was kept of Patroni's scope somewhere else than in its store. */
export interface ScopeCopy {
  /** Values by the keys' names, as Patroni has them: `config`, `members/pg1`. */
  keys: ReadonlyMap<string, string>;
  /** Keys of others in the same store. */
  others: number;
  /** When it was last written, ISO 8601, UTC. */
  at: string;
  /** The store's own count of writes; of two copies of one store the one with more is newer. */
  revision: number;
  /** Where it is on its host. */
  path: string;
}

/** What a host's member of the store has left of the scope, where the store does not tell it: in its place, or put aside. */
export interface StoreLeft {
  copies: readonly ScopeCopy[];
  /** What cannot be read, a sentence without its full stop each. */
  unread: readonly string[];
  /** The member is down and cannot work with the data in its place, as `unread` says. */
  damaged?: true;
  /** What was read of databases in this run, by their SHA-256: they are not sent again. */
  contents?: ReadonlyMap<string, DatabaseContent>;
}

/** What a database of the store has: the scope's keys, or why it cannot be read. */
export type DatabaseContent = Pick<ScopeCopy, 'keys' | 'others' | 'revision'> | { unreadable: string };

/** The observation's id. */
export const STORE_LEFT = handle<StoreLeft>('store-left');
