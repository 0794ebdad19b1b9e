import { asPgprovError } from '../lib/errors.js';
import type { HostStep } from '../plan/operation.js';
import type { Begun } from './begun.js';
import type { Cluster } from './cluster.js';
import { takeHostStep, type HostStepParts } from './host-step.js';
import type { OperateOptions } from './operate-options.js';
import type { OperationState } from './operation-state.js';
import { RunResults } from './run-results.js';
import { foreseenSteps } from './shown-steps.js';

/** What an operation that ends early is put back with. */
export interface WayBackParts<Options extends object> {
  options: OperateOptions<Options>;
  cluster: Cluster;
  state: OperationState<Options>;
  begun: Begun<Options>;
  host: HostStepParts;
}

/**
 * Takes the steps with which an operation puts things back as they were. Neither what failed before nor an interruption keeps them from being
 * taken; what fails of them is told beside that.
 */
export async function goBack<Options extends object>(parts: WayBackParts<Options>): Promise<void> {
  const { options, cluster, state, begun, host } = parts;
  const { operation, emit } = options;
  const nextOf = (): HostStep | undefined => operation.back?.(state.run())[0];
  if (operation.back === undefined) return;
  await seen(parts);
  const results = new RunResults(
    cluster.hosts.map(({ name }) => name),
    emit,
  );
  const unhindered: Cluster = { ...cluster, results, signal: new AbortController().signal };
  const taken = new Set<string>();
  let isTakenBack = false;
  let stage = '';
  for (let step = nextOf(); step !== undefined; step = nextOf()) {
    if (taken.has(step.id) || results.errors.length > 0) break;
    taken.add(step.id);
    isTakenBack ||= step.tidiesUp !== true;
    stage = `${operation.name}/${step.id}`;
    emit({ type: 'steps', steps: foreseenSteps(operation.name, [step], []) });
    await takeHostStep(unhindered, stage, step, host).catch((error: unknown) => results.fail(asPgprovError(error)));
    await seen(parts);
  }
  cluster.results.errors.push(...results.errors);
  if (!isTakenBack || results.errors.length > 0 || nextOf() !== undefined) return;
  begun.takenBack();
  await host.gap.close(stage, emit);
}

/** Looks at the hosts that still answer. */
async function seen<Options extends object>({ cluster, state }: WayBackParts<Options>): Promise<void> {
  await state.look().catch((error: unknown) => cluster.results.fail(asPgprovError(error)));
}
