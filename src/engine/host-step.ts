import { UnreachableError } from '../lib/errors.js';
import type { HostStep } from '../plan/operation.js';
import type { RoleContext, Stage } from '../plan/role.js';
import type { HostWork, RunStage } from '../plan/host-work.js';
import type { Observation } from '../resources/resource.js';
import type { Script } from '../shell/quote.js';
import type { Cluster } from './cluster.js';
import { StageRunner } from './stage-runner.js';
import { UnitGuards } from './unit-guards.js';
import type { OpenGap } from './open-gap.js';

/** What a step is built from, by host. */
export interface HostStepParts {
  /** @throws RangeError for a host whose system is not known */
  contextOf(host: string): RoleContext;
  /** What is asked of the host besides what the step asks. */
  observationsOf(host: string): readonly Observation[];
  /** What commits on the host while a gap in writes is measured; undefined for a host without a database. */
  probeOf(host: string): Script | undefined;
  /** The gap in writes that the operation is in. */
  gap: OpenGap;
}

/**
 * Carries a step of an operation out on its hosts, side by side; a host that fails is noted in the cluster's account.
 * @param id the stage as which it is told, `switchover/hand-over`
 * @throws UnreachableError where one of its hosts is not connected
 */
export async function takeHostStep(cluster: Cluster, id: string, step: HostStep, parts: HostStepParts): Promise<void> {
  const { connections, inventory, results, emit, signal } = cluster;
  const missing = step.on.filter((host) => !connections.answers(host));
  if (missing.length > 0) throw outOfReach(step, missing);
  const hosts = new Map(step.on.map((host) => [host, stageOf(step, parts.contextOf(host))]));
  const stage: RunStage = { id, role: id.slice(0, id.indexOf('/')), title: step.title, crossing: crossingOf(step), hosts };
  const shapes = new Map(
    [...hosts].map(([host, part]): [string, HostWork] => {
      const others = step.atOnce === true ? [] : parts.observationsOf(host);
      const observations = [...others, ...(step.asks?.(parts.contextOf(host)) ?? [])];
      return [host, { observations, stages: [{ id, stage: part }] }];
    }),
  );
  await connections.ask(shapes);
  const { sessions } = connections;
  const guards = new UnitGuards({ inventory, sessions });
  await parts.gap.begin(step, { sessions, probeOf: (host) => parts.probeOf(host), signal });
  await new StageRunner({
    inventory,
    stages: [stage],
    sessions,
    shapes,
    results,
    emit,
    signal,
    guards,
    guard: () => Promise.resolve(),
  }).run();
  await parts.gap.end(step, id, emit);
}

/** Only in a rolling stage do hosts wait for each other; in this one none interrupts anything, so they go side by side. */
function crossingOf({ together }: HostStep): Stage['crossing'] {
  return together === true ? 'rolling' : 'independent';
}

function stageOf(step: HostStep, context: RoleContext): Stage {
  const { id: name, title, onlyWatches } = step;
  return {
    name,
    title,
    crossing: crossingOf(step),
    resources: step.resources?.(context) ?? [],
    gates: step.gates?.(context) ?? [],
    ...(onlyWatches === undefined ? {} : { onlyWatches }),
  };
}

function outOfReach(step: HostStep, hosts: readonly string[]): UnreachableError {
  return new UnreachableError({
    kind: 'operation/out-of-reach',
    message: `${hosts.join(', ')} cannot be reached, and the step "${step.title}" is to be carried out there`,
    hint: 'nothing of the step was done; give the same command again when the host answers',
  });
}
