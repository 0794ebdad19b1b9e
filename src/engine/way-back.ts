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
  if (operation.back === undefined) return;
  const taken = new Set<string>();
  const leftOf = (): readonly HostStep[] => operation.back?.(state.run()) ?? [];
  // One that is to be taken a second time has not led to what it was to.
  const nextOf = (): HostStep | undefined => {
    const [step] = leftOf();
    if (step !== undefined && !taken.has(step.id) && results.errors.length === 0) return step;
    return results.errors.length === 0 ? undefined : tidying(cluster, leftOf(), taken);
  };
  await seen(parts);
  const results = new RunResults(
    cluster.hosts.map(({ name }) => name),
    emit,
  );
  const unhindered: Cluster = { ...cluster, results, signal: new AbortController().signal };
  let isTakenBack = false;
  let stage = '';
  for (let step = nextOf(); step !== undefined; step = nextOf()) {
    taken.add(step.id);
    isTakenBack ||= step.tidiesUp !== true;
    stage = `${operation.name}/${step.id}`;
    emit({ type: 'steps', steps: foreseenSteps(operation.name, [step], []) });
    await takeHostStep(unhindered, stage, step, host).catch((error: unknown) => results.fail(asPgprovError(error)));
    await seen(parts);
  }
  cluster.results.errors.push(...results.errors);
  if (!isTakenBack || results.errors.length > 0 || leftOf().length > 0) return;
  begun.takenBack();
  await host.gap.close(stage, emit);
}

/** What is tidied up whatever else failed, on those of its hosts that still answer. */
function tidying({ connections }: Cluster, steps: readonly HostStep[], taken: ReadonlySet<string>): HostStep | undefined {
  return steps
    .filter(({ id, tidiesUp }) => tidiesUp === true && !taken.has(id))
    .map((step) => ({ ...step, on: step.on.filter((host) => connections.answers(host)) }))
    .find(({ on }) => on.length > 0);
}

/** Looks at the hosts that still answer. */
async function seen<Options extends object>({ cluster, state }: WayBackParts<Options>): Promise<void> {
  await state.look().catch((error: unknown) => cluster.results.fail(asPgprovError(error)));
}
