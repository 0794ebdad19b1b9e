import type { OperationRun } from '../../../index.js';
import type { SlotsTtl } from './slots-ttl.js';

/** What an operation that takes a host out of its cluster has chosen. */
export interface LeavingOptions {
  /** The host that is to go; with `role`, the names of those that are to lose it, with commas between them. */
  host?: string;
  /** Its machine is lost for good. */
  dead?: boolean;
  /** The host that takes its place: another one, or one of the same name on a new machine; undefined: none does. */
  by?: string;
  /** The store's role, which hosts lose that stay in the cluster; undefined: the host goes as a whole. */
  role?: string;
  /** Chosen where it leads: who is to lead then. */
  to?: string;
  /** Chosen: `member_slots_ttl` as the dynamic configuration had it before; null: it had none. */
  slotsTtl?: SlotsTtl;
  /** Chosen: the serials of its certificates, a space between two; '': none is known. */
  serials?: string;
}

/** A run of such an operation. */
export type LeavingRun = OperationRun<LeavingOptions>;
