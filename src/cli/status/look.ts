import type { RunOutcome } from '../../engine/run.js';
import type { ClusterStatus } from '../../lib/cluster-status.js';
import { ExitCode } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { certificatePlaces } from '../../plan/tls.js';
import { foreignCertificatesOf } from '../../report/certificates.js';
import { problemsOf } from '../../report/status.js';
import { catalogOf } from '../catalog.js';
import { certificatesOf, readKept } from '../certs/status-of.js';
import { withOwnDoing } from '../operations/own-doing.js';
import { hinderedBy, unfinishedOperation } from '../operations/unfinished.js';
import { statusOf, withDrift } from '../status-of.js';
import { withRefusals } from './refused.js';

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
  const found = statusOf(inventory, catalog, view, errors, { isHeldUp: unfinished?.holdsMembers === true });
  const seen = withDrift(found, { ...proposal, drift: withOwnDoing(proposal.drift, unfinished) });
  const status = withRefusals({
    ...seen,
    problems: [...seen.problems, ...(await foreignCertificates(inventory, seen, view))],
    ...hinderedBy(unfinished),
  });
  const problems = problemsOf(status);
  if (exitCode !== ExitCode.done) return { status, problems, exitCode };
  return { status, problems, exitCode: problems.length === 0 ? ExitCode.done : ExitCode.hostFailed };
}

/** That hosts have, or use, other certificates than they were brought; a cluster that is not made yet has none. */
async function foreignCertificates(
  inventory: Inventory,
  { absent, services = [] }: ClusterStatus,
  view: RunOutcome['view'],
): Promise<string[]> {
  if (absent === true || view === undefined) return [];
  const catalog = catalogOf(inventory);
  const kept = await readKept(inventory, certificatePlaces(catalog, inventory));
  const found = certificatesOf({ inventory, catalog, kept, view, errors: [], withinDays: 0 });
  return foreignCertificatesOf(found, ({ host, service }) =>
    services.some((line) => line.host === host && line.role === service && line.level === 'problem'),
  );
}
