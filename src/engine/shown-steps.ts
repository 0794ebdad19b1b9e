import type { ForeseenStep } from '../events.js';
import { RefusedError } from '../lib/errors.js';
import type { OperationStep } from '../plan/operation.js';
import type { OperationProposal } from './operate-options.js';

/** The steps that are left as a person is shown them; a pass may come to all of the hosts that it is not without. */
export function foreseenSteps(operation: string, steps: readonly OperationStep[], all: readonly string[]): ForeseenStep[] {
  return steps.map((step) => ({
    id: `${operation}/${step.id}`,
    title: step.title,
    hosts: hostsOf(step, all),
    ...(step.effect === undefined ? {} : { effect: step.effect }),
    ...(step.pointOfNoReturn === undefined ? {} : { pointOfNoReturn: step.pointOfNoReturn }),
    ...('converge' in step ? { pass: true } : {}),
  }));
}

function hostsOf(step: OperationStep, all: readonly string[]): readonly string[] {
  if ('on' in step) return step.on;
  if (!('converge' in step)) return [];
  const { changes, converge } = step;
  return changes ?? all.filter((name) => converge.without?.includes(name) !== true);
}

/** @throws RefusedError where what would be done now is not what a person agreed to */
export function assertSameSteps(shown: OperationProposal, now: OperationProposal): void {
  const words = ({ steps, plan }: OperationProposal): string =>
    JSON.stringify([
      steps.map(({ id, title, hosts }) => [id, title, hosts]),
      (plan?.changes ?? []).map(({ host, stage, resource, action }) => [host, stage, resource, action]),
    ]);
  if (words(shown) === words(now)) return;
  throw new RefusedError({
    kind: 'operation/outdated',
    message: `the cluster changed while the question was open; what is left to do now: ${now.steps.map(({ title }) => title).join('; ') || 'nothing'}`,
    hint: 'nothing was changed; give the command again and look at its steps',
  });
}
