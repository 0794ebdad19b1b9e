import { ExitCode } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { renderPlan } from '../../report/plan-text.js';
import type { ServiceStatus } from '../../lib/cluster-status.js';
import type { Inventory } from '../../model/index.js';
import type { View } from '../../plan/view.js';
import { renderDrift, renderUnwell } from '../../report/drift-text.js';
import { catalogOf } from '../catalog.js';
import { colors, errorLook } from '../colors.js';
import { withOwnDoing } from '../operations/own-doing.js';
import { unfinishedOperation, unfinishedWords } from '../operations/unfinished.js';
import { statusSeen } from '../status-of.js';
import { selectionOf, selectionOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.js';
import { tellTrouble } from '../pipeline/trouble.js';
import { writePlanFile } from './plan-file.js';
import { restartsAfterwards } from './restarts-afterwards.js';

/** Options of `pgprov plan`. */
export interface PlanOptions extends PipelineOptions {
  /** Take also hosts of systems that pgprov was not tested on. */
  allowUntested?: boolean;
  diff: boolean;
  /** A file to write the plan to, for `pgprov apply`. */
  out?: string;
  detailedExitcode?: boolean;
  /** What is pending is restarted by the apply that it shows. */
  restart?: boolean;
}

/** `pgprov plan`: what apply would change. */
export async function plan(file: string, options: PlanOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory, form } = pipeline;
  const { out, diff: diffs, detailedExitcode } = options;
  const look = clusterRun(pipeline, { selection: selectionOf(inventory, options), mode: 'plan', allowUntested: options.allowUntested });
  return pipeline.carryOut({
    command: 'plan',
    shows: 'answer',
    go: async (parts) => {
      const outcome = await look(parts);
      const unfinished = await unfinishedOperation(inventory);
      if (unfinished !== undefined) parts.emit({ type: 'warning', text: unfinishedWords(unfinished) });
      return outcome;
    },
    answer: async ({ exitCode, proposal }) => {
      if (exitCode !== ExitCode.done) return exitCode;
      const { changes } = proposal;
      const effects = [...proposal.effects, ...restartsAfterwards(inventory.file, options.restart)];
      if (form.kind !== 'json') pipeline.print(renderPlan(changes, { ...proposal, effects, color: colors(environment.out), diffs }));
      if (out !== undefined) {
        await writePlanFile(out, { inventory, set: options.set ?? [], aim: selectionOptions(options) }, changes);
        if (form.kind !== 'json') pipeline.print(`\nKept in ${out}; ${pgprov`apply ${out}`} does just this, or refuses.`);
      }
      return detailedExitcode === true && changes.length > 0 ? ExitCode.changes : ExitCode.done;
    },
  });
}

/** What the roles say of their services that is not well, such as the age of the last backup: no apply changes it. */
function unwellServices(inventory: Inventory, view: View): readonly ServiceStatus[] {
  return (statusSeen(inventory, catalogOf(inventory), view).services ?? []).filter(({ level }) => level !== 'ok');
}

/** `pgprov diff`: how the hosts have drifted from the inventory; exit code 6 when they have. */
export async function diff(file: string, options: PlanOptions & { quiet?: boolean }, environment = THIS_PROCESS): Promise<ExitCode> {
  const { quiet = false, diff: diffs } = options;
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  return pipeline.carryOut({
    command: 'diff',
    shows: 'answer',
    quiet,
    tells: quiet ? ['failed'] : ['failed', 'warning'],
    go: clusterRun(pipeline, { selection: selectionOf(inventory, options), mode: 'plan', allowUntested: options.allowUntested }),
    answer: async ({ exitCode, proposal, notices, view }) => {
      if (exitCode !== ExitCode.done) return exitCode;
      const { changes } = proposal;
      const drift = withOwnDoing(proposal.drift, await unfinishedOperation(inventory));
      const drifted = changes.length > 0 || drift.length > 0;
      if (drifted && quiet) for (const text of notices) tellTrouble(environment.err, ['warning'])({ type: 'warning', text });
      if (drifted || !quiet)
        pipeline.print(renderDrift(changes, { ...proposal, drift, color: colors(environment.out), diffs, cluster: inventory.cluster }));
      const unwell = view === undefined || (quiet && !drifted) ? [] : unwellServices(inventory, view);
      if (unwell.length > 0) pipeline.print(renderUnwell(unwell, errorLook(environment.out)));
      return drifted ? ExitCode.changes : ExitCode.done;
    },
  });
}
