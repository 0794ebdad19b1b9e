import type { PlannedChange } from '../events.js';
import { redact } from '../lib/secret.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { bringsVersions, withoutVersions } from '../resources/packages-state.js';
import type { Action, Change, GateState, Resource } from '../resources/resource.js';
import type { RunStage } from './shape.js';
import type { Stage } from './role.js';
import { takersOf } from './takers.js';

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
    const found = resource.diff(state);
    return found.length === 0 ? [] : [{ resource, changes: found, state }];
  });
  const touched = changes.length > 0 && (stage.gates ?? []).some(({ lasting }) => lasting !== true);
  return { changes, waits: isShut(stage, states) || touched };
}

/** True when a host has a database, whoever made it. */
export function holdsData(states: ReadonlyMap<string, States>): boolean {
  return [...states.values()].some((seen) => (seen.get(DATA_DIRECTORY) as DataDirectoryState | undefined)?.kind === 'cluster');
}

/** True when the step takes something down that runs now, or changes what that has open, unless all hosts must change at once. */
export function interrupts(work: StepWork): boolean {
  const all = work.changes.flatMap(({ changes }) => changes);
  const has = (action: Action): boolean => all.some((change) => change.action === action);
  if (has('restart')) return true;
  if (isConcerted(work, 'leads') || isConcerted(work, 'follows') || has('start')) return false;
  return all.some(({ action, concerted }) => action === 'update' && concerted === undefined);
}

/** True when a gate of the stage is shut already. */
export function isShut({ gates = [] }: Stage, states: States): boolean {
  return gates.some((gate) => !(states.get(gate.id) as GateState).open);
}

/** True when the step has a part in a change that concerns the whole cluster: any part, or the one given. */
export function isConcerted(work: StepWork, part?: Change['concerted']): boolean {
  return work.changes.some(({ changes }) => changes.some(({ concerted }) => (part === undefined ? concerted !== undefined : concerted === part)));
}

/**
 * All changes of a run, without secrets, stage by stage, host by host. A change is projected when an earlier one on its host
 * installs packages or starts something, for what those bring is not there to be seen yet.
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
