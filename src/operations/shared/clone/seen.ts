import type { OperationRun } from '../../../index.js';
import type { RestoreOptions } from '../restore/seen.js';

/** What a clone is given, and has chosen. */
export interface CloneOptions extends RestoreOptions {
  /** Chosen before the first step: what the cluster has that an empty one has not. */
  has?: readonly string[];
}

/** What a clone decides from. */
export type CloneRun = OperationRun<CloneOptions>;
