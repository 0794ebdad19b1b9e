import type { RunOutcome } from '../../engine/run.js';
import type { ClusterStatus } from '../../lib/cluster-status.js';
import { ExitCode } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { problemsOf } from '../../report/status.js';
import { catalogOf } from '../catalog.js';
import { unfinishedOperation, unfinishedWords } from '../operations/unfinished.js';
import { statusOf, withDrift } from '../status-of.js';

/** What one look at a cluster has shown. */
export interface Seen {
  status: ClusterStatus;
  /** Everything that is wrong with it. */
  problems: readonly string[];
  /** What `pgprov status` ends with after this look. */
  exitCode: ExitCode;
}

/** Reads a survey as the state of the cluster, with the verdict, and what pgprov itself has left unfinished. */
export async function readLook(inventory: Inventory, { exitCode, errors, view, proposal }: RunOutcome): Promise<Seen> {
  const catalog = catalogOf(inventory);
  const unfinished = await unfinishedOperation(inventory);
  const status = {
    ...withDrift(statusOf(inventory, catalog, view, errors, { isHeldUp: unfinished?.holdsMembers === true }), proposal),
    ...(unfinished === undefined ? {} : { unfinished: unfinishedWords(unfinished) }),
  };
  const problems = problemsOf(status);
  if (exitCode !== ExitCode.done) return { status, problems, exitCode };
  return { status, problems, exitCode: problems.length === 0 ? ExitCode.done : ExitCode.hostFailed };
}
