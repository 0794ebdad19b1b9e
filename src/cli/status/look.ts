import type { RunOutcome } from '../../engine/run.js';
import type { ClusterStatus } from '../../lib/cluster-status.js';
import { ExitCode } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { problemsOf } from '../../report/status.js';
import { catalogOf } from '../catalog.js';
import { statusOf, withDrift } from '../status-of.js';

/** What one look at a cluster has shown. */
export interface Seen {
  status: ClusterStatus;
  /** Everything that is wrong with it. */
  problems: readonly string[];
  /** What `pgprov status` ends with after this look. */
  exitCode: ExitCode;
}

/** Reads a survey as the state of the cluster, with the verdict. */
export function readLook(inventory: Inventory, { exitCode, errors, view, proposal: { changes, drift } }: RunOutcome): Seen {
  const catalog = catalogOf(inventory);
  const status = withDrift(statusOf(inventory, catalog, view, errors), drift, changes.length);
  const problems = problemsOf(status);
  if (exitCode !== ExitCode.done) return { status, problems, exitCode };
  return { status, problems, exitCode: problems.length === 0 ? ExitCode.done : ExitCode.hostFailed };
}
