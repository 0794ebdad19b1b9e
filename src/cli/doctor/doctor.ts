import type { RunOutcome } from '../../engine/run.js';
import type { FoundOut } from '../../events.js';
import { ExitCode } from '../../lib/errors.js';
import { mapEvent } from '../../report/map-event.js';
import { printable } from '../../report/printable.js';
import { diagnosed } from '../../report/diagnosed.js';
import { renderDoctor } from '../../report/doctor-text.js';
import { goneHosts } from '../../plan/gone-host.js';
import { catalogOf } from '../catalog.js';
import { readKept } from '../certs/status-of.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { unfinishedOperation } from '../operations/unfinished.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import type { ReportOptions, TimingOptions } from '../pipeline/timings.js';
import { readLook } from '../status/look.js';
import { withRefusedMends } from '../status/refused.js';
import { statusSeen } from '../status-of.js';
import { diagnosesFor, examinationOf, gather } from './examine.js';
import { unfinishedDiagnosis } from './unfinished.js';

/** Options of `pgprov doctor`. */
export interface DoctorOptions extends CommonOptions, TimingOptions, ReportOptions {
  json?: boolean;
  /** Milliseconds for which logs are read back. */
  since?: number;
}

const DAY = 86_400_000;

/** `pgprov doctor`: what is wrong, by which evidence, and what mends it; exit code 1 when something is, 3 when hosts could not be asked. */
export async function doctor(file: string, options: DoctorOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  const { json = false, since = DAY } = options;
  const now = Date.now();
  const catalog = catalogOf(inventory);
  const diagnoses = diagnosesFor(inventory, catalog);
  const look = clusterRun(pipeline, {
    selection: {},
    mode: 'survey',
    inspects: true,
    observations: (context) => gather(context, catalog, diagnoses, now - since),
  });
  const examine = async (outcome: RunOutcome): Promise<FoundOut> => {
    const { problems, status } = await readLook(inventory, outcome);
    const unfinished = unfinishedDiagnosis(await unfinishedOperation(inventory), status.leader);
    const { authority, issued } = await readKept(inventory, []);
    const gone = goneHosts(inventory, { revoked: authority.revocations.revoked, issued });
    const answer = diagnosed([unfinished, ...diagnoses], examinationOf(inventory, outcome, { now, gone }), problems);
    const findings = withRefusedMends(answer.findings, status);
    return mapEvent({ type: 'diagnosed', answer: { ...answer, findings } }, printable) as FoundOut;
  };
  return pipeline.carryOut({
    command: 'doctor',
    shows: 'answer',
    tells: ['warning'],
    hasTimings: json,
    go: async (parts) => {
      const outcome = await look(parts);
      const found = await examine(outcome);
      const { view } = outcome;
      if (view !== undefined) parts.emit({ type: 'cluster', status: statusSeen(inventory, catalog, view), afterwards: true });
      parts.emit(found);
      return { ...outcome, answer: found.answer };
    },
    answer: ({ answer, exitCode }) => {
      pipeline.print(
        json ? JSON.stringify({ ...answer, timings: pipeline.timings }, undefined, 2) : renderDoctor(answer, errorLook(environment.out)),
      );
      const isWrong = answer.findings.some(({ level }) => level !== 'notice');
      return isWrong && exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
    },
  });
}
