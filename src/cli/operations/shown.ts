import type { OperationProposal } from '../../engine/operate-options.js';
import type { Operation } from '../../plan/operation.js';
import { renderPlan } from '../../report/plan-text.js';
import { renderSteps } from '../../report/steps-text.js';
import { errorLook } from '../colors.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Question } from '../pipeline/question.js';

/** The steps that an operation is about to take, as a person sees them. */
export function stepsShown({ environment, inventory }: Pipeline, { name }: Operation, foreseen: OperationProposal): string {
  const { steps, plan, then, nothing } = foreseen;
  const look = errorLook(environment.out);
  const { color } = look;
  if (steps.length === 0) return nothing ?? `${name}: nothing is left to do.`;
  const shown = plan === undefined ? [] : [renderPlan(plan.changes, { color, diffs: false, hosts: plan.hosts, effects: plan.effects })];
  return [
    ...(plan !== undefined && steps.length === 1 && then === undefined
      ? []
      : [
          renderSteps(
            foreseen,
            inventory.hosts.map((host) => host.name),
            look,
          ),
        ]),
    ...shown,
  ].join('\n\n');
}

/** What is asked before the first of them. */
export function questionOf(pipeline: Pipeline, operation: Operation, proposal: OperationProposal): Question {
  const { cluster } = pipeline.inventory;
  return {
    text: () => stepsShown(pipeline, operation, proposal),
    ask: proposal.question ?? `${cluster} holds data. Carry out the ${operation.name}?`,
    holdsData: proposal.holdsData,
    // A host of backups has no database, and what is asked is asked there too.
    asksAnyway: proposal.question !== undefined,
    unconfirmed: {
      kind: 'operation/unconfirmed',
      message: `${cluster} holds data, and there is no terminal to ask on whether the ${operation.name} may begin`,
      hint: 'nothing was changed; look with --check, then run again with --yes',
    },
  };
}
