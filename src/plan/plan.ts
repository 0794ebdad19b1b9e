import { stateOf } from '../resources/handle.js';
import type { Drift, PlannedChange } from '../events.js';
import { redact } from '../lib/secret.js';
import { pgprov } from '../lib/pgprov-command.js';
import type { Inventory } from '../model/index.js';
import { bringsVersions, withoutVersions } from '../resources/packages-state.js';
import type { Action, Change, Resource } from '../resources/resource.js';
import type { RunStage } from './host-work.js';
import type { Role, Stage } from './role.js';
import { takersOf } from './takers.js';
import type { View } from './view.js';

/** What a host's part of a stage has to do, given what was seen. */
export interface StepWork {
  changes: { resource: Resource; changes: Change[]; state: unknown }[];
  /** True when a gate is not open now, or may close because of the changes. */
  waits: boolean;
}

/** What each host answered, by observation id. */
export type States = ReadonlyMap<string, unknown>;

/** Compares a stage with what was seen. */
export function stepWork(stage: Stage, states: States): StepWork {
  const changes = stage.resources.flatMap((resource) => {
    const state = states.get(resource.id);
    const found = resource.diff(state, states);
    return found.length === 0 ? [] : [{ resource, changes: found, state }];
  });
  const touched = changes.length > 0 && (stage.gates ?? []).some(({ waitOnlyOnce }) => waitOnlyOnce !== true);
  return { changes, waits: isShut(stage, states) || touched };
}

/** True when a role finds data on a host of the run that a person would miss. */
export function holdsData(catalog: readonly Role[], view: View): boolean {
  const hosts = view.inventory.hosts.filter(({ name }) => view.surveyed(name));
  return hosts.some(({ name }) => catalog.some((role) => role.holdsData?.(view, name) === true));
}

/** True when the step takes something down that runs now, or changes what that has open, unless all hosts must change at once. */
export function interrupts(work: StepWork): boolean {
  const all = work.changes.flatMap(({ changes }) => changes);
  const has = (action: Action): boolean => all.some((change) => change.action === action);
  if (has('restart')) return true;
  if (isCoordinated(work, 'initiates') || isCoordinated(work, 'waits') || has('start')) return false;
  return all.some(({ action, coordinated }) => action === 'update' && coordinated === undefined);
}

/** True when a gate of the stage is shut already. */
export function isShut({ gates = [] }: Stage, states: States): boolean {
  return gates.some((gate) => stateOf(states, gate)?.open !== true);
}

/** True when the step has a part in a change that concerns the whole cluster: any part, or the one given. */
export function isCoordinated(work: StepWork, part?: Change['coordinated']): boolean {
  return work.changes.some(({ changes }) =>
    changes.some(({ coordinated }) => (part === undefined ? coordinated !== undefined : coordinated === part)),
  );
}

/**
 * All changes of a run, without secrets, stage by stage, host by host. A change is projected when an earlier one on its host
 * installs packages or starts something, because what those bring is not there to be seen yet.
 */
export function buildPlan(stages: readonly RunStage[], states: ReadonlyMap<string, States>): PlannedChange[] {
  const projected = new Set<string>();
  const newVersions = new Set<string>();
  const plan: PlannedChange[] = [];
  for (const stage of stages) {
    for (const [host, part] of takersOf(stage, states)) {
      for (const { resource, changes } of stepWork(part, states.get(host) ?? new Map()).changes) {
        for (const change of changes) {
          const { action, before, after } = change;
          if (bringsVersions(resource.id)) newVersions.add(host);
          const summary = action === 'install' && newVersions.has(host) ? withoutVersions(change.summary) : change.summary;
          plan.push({
            host,
            stage: stage.id,
            resource: resource.id,
            action,
            summary,
            projected: projected.has(host),
            ...(before === undefined ? {} : { before: redact(before) }),
            ...(after === undefined ? {} : { after: redact(after) }),
          });
        }
        if (changes.some(({ action }) => action === 'install' || action === 'start')) projected.add(host);
      }
    }
  }
  return plan;
}

/** What weakens or endangers what runs until a run has made these changes (see `Change.danger`). */
export function dangersOf(inventory: Inventory, stages: readonly RunStage[], states: ReadonlyMap<string, States>): Drift[] {
  return stages.flatMap((stage) =>
    takersOf(stage, states).flatMap(([host, part]) =>
      stepWork(part, states.get(host) ?? new Map())
        .changes.flatMap(({ changes }) => changes)
        .flatMap(({ danger, summary }): Drift[] =>
          danger === undefined
            ? []
            : [{ host, what: redact(danger), mend: `${pgprov`apply ${inventory}`} corrects it: ${redact(summary)}` }],
        ),
    ),
  );
}
