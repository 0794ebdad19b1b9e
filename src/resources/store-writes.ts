import { handle } from './handle.js';

/** Whether the member of Patroni's store on a host takes writes. */
export type StoreWrites =
  /** It does not work there, or does not answer. */
  | { asked: false }
  /** `refused`: why not, in its own words. */
  | { asked: true; refused: string | undefined };

/** The observation's id. */
export const STORE_WRITES = handle<StoreWrites>('store-writes');
