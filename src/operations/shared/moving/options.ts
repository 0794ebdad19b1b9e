import type { OperationRun } from '../../../index.js';
import type { SlotsTtl } from '../leaving/slots-ttl.js';

/** What an operation that gives a member another name or address has chosen. */
export interface MovingOptions {
  /** The host: of one that gets another name, the former one. */
  host?: string;
  /** Its new name; undefined: it gets another address. */
  to?: string;
  /** The cluster address that it had, where it gets another one. */
  from?: string;
  /** Chosen where it leads: who is to lead then. */
  successor?: string;
  /** Chosen: `member_slots_ttl` as the dynamic configuration had it before; null: it had none. */
  slotsTtl?: SlotsTtl;
}

/** A run of such an operation. */
export type MovingRun = OperationRun<MovingOptions>;
