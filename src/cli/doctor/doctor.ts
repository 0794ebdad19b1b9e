import { ExitCode } from '../../lib/errors.js';
import { diagnosed } from '../../report/diagnosed.js';
import { renderDoctor } from '../../report/doctor-text.js';
import { catalogOf } from '../catalog.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import type { TimingOptions } from '../pipeline/timings.js';
import { readLook } from '../status/look.js';
import { diagnosesFor, examinationOf, gather } from './examine.js';

/** Options of `pgprov doctor`. */
export interface DoctorOptions extends CommonOptions, TimingOptions {
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
  return pipeline.carryOut({
    command: 'doctor',
    shows: 'answer',
    tells: ['warning'],
    hasTimings: json,
    go: clusterRun(pipeline, {
      selection: {},
      mode: 'survey',
      inspects: true,
      observations: (context) => gather(context, catalog, diagnoses, now - since),
    }),
    answer: (outcome) => {
      const { problems, exitCode } = readLook(inventory, outcome);
      const found = diagnosed(diagnoses, examinationOf(inventory, outcome, now), problems);
      pipeline.print(
        json ? JSON.stringify({ ...found, timings: pipeline.timings }, undefined, 2) : renderDoctor(found, errorLook(environment.out)),
      );
      if (found.findings.some(({ level }) => level !== 'notice')) return exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
      return found.unseen.length > 0 ? exitCode : ExitCode.done;
    },
  });
}
