import { stateOf } from '../resources/handle.js';
import type { EventListener, StepResult } from '../events.js';
import { asPgprovError, type PgprovError } from '../lib/errors.js';
import { interrupts, stepWork, type States } from '../plan/plan.js';
import type { Stage } from '../plan/role.js';
import type { HostWork, RunStage } from '../plan/host-work.js';
import type { RunResults } from './run-results.js';
import { askProof } from './proof.js';
import type { Session } from './session.js';
import { NOTHING_DONE_KIND, runStep } from './step.js';
import { Waiting } from './waiting.js';

/** What steps are taken with. */
export interface HostStepsOptions {
  sessions: ReadonlyMap<string, Session>;
  shapes: ReadonlyMap<string, HostWork>;
  results: RunResults;
  emit: EventListener;
  signal: AbortSignal;
}

/** What ties a step to those of other hosts. */
export interface StepTies {
  /** Asked when the run is interrupted; true when the step has to be taken all the same. */
  isBound(): boolean;
  /** Told when a resource is about to be changed, by its id. */
  changing(resource: string): void;
  /** Told when it was changed. */
  changed?(resource: string): void;
}

/** Why a host is left out that would wait for another. */
export function waitsInVain(other: string): string {
  return `it depends on ${other}, which failed or was skipped`;
}

/** The hosts that the stage's gates which are shut now need in order to open. */
function neededBy({ gates = [] }: Stage, states: States): string[] {
  return gates.filter((gate) => stateOf(states, gate)?.open !== true).flatMap(({ dependsOnHosts = [] }) => dependsOnHosts);
}

/** Takes single hosts through single stages, and keeps the books of it: events, recap, errors. */
export class HostSteps {
  readonly #options: HostStepsOptions;
  /** Something was changed or waited for, so the survey no longer shows how things are. */
  moved = false;
  /** Steps under way, by host. */
  readonly #underWay = new Map<string, Waiting>();

  constructor(options: HostStepsOptions) {
    this.#options = options;
  }

  /** Takes one host through its part of a stage; a failure is noted and never thrown. */
  async take(stage: RunStage, host: string, ties?: StepTies): Promise<StepResult> {
    const { emit, signal, results, sessions, shapes } = this.#options;
    const [part, shape, session] = [stage.hosts.get(host), shapes.get(host), sessions.get(host)];
    if (part === undefined || shape === undefined || session === undefined) return 'skipped';
    if (results.isExcluded(host)) return this.skip(stage, host, 'an earlier stage was skipped on it');
    if (signal.aborted && ties?.isBound() !== true) return this.skip(stage, host, 'interrupted');
    const out = neededBy(part, session.states).filter((name) => sessions.has(name) && results.isExcluded(name));
    // Others may be out only because they needed the one that failed.
    const missing = out.find((name) => results.hasFailed(name)) ?? out[0];
    if (missing !== undefined) return this.skip(stage, host, waitsInVain(missing));
    const work = stepWork(part, session.states);
    emit({ type: 'step-start', host, stage: stage.id, changes: work.changes.length });
    const began = Date.now();
    const recap = results.of(host);
    const waiting = new Waiting(
      session,
      (part.gates ?? []).flatMap(({ dependsOnHosts = [] }) => dependsOnHosts),
    );
    this.#underWay.set(host, waiting);
    let changes = 0;
    let begun: string | undefined;
    const count: EventListener = (event) => {
      if (event.type === 'changing') begun = event.summary;
      if (event.type === 'changed') {
        changes += event.summaries.length;
        begun = undefined;
      }
      if (event.type === 'changing' || event.type === 'waiting') waiting.begin();
      if (event.type === 'changing') ties?.changing(event.resource);
      if (event.type === 'changed') ties?.changed?.(event.resource);
      emit(event);
    };
    try {
      if (await runStep({ session, shape, id: stage.id, stage: part, emit: count })) this.moved = true;
      if (interrupts(work)) await this.#askProofs(stage, part, host);
      recap.ok += part.resources.length - work.changes.length;
      const result = changes > 0 ? 'changed' : 'ok';
      emit({ type: 'step-end', host, stage: stage.id, result, changes, ms: Date.now() - began });
      return result;
    } catch (thrown) {
      const error = asPgprovError(thrown, host);
      results.errors.push(error);
      recap.failed += 1;
      const open = begun === undefined || error.kind === NOTHING_DONE_KIND ? {} : { begun };
      emit({ type: 'step-end', host, stage: stage.id, result: 'failed', changes, ms: Date.now() - began, error, ...open });
      this.#out(host);
      return 'failed';
    } finally {
      this.#underWay.delete(host);
      recap.changed += changes;
    }
  }

  /** Leaves a host out, which then takes no further part in the run. */
  skip(stage: RunStage, host: string, because: string): StepResult {
    const { emit, results } = this.#options;
    const reason = results.hasFailed(host) ? 'an earlier stage failed on it' : because;
    results.of(host).skipped += 1;
    emit({ type: 'step-end', host, stage: stage.id, result: 'skipped', changes: 0, ms: 0, reason });
    this.#out(host);
    return 'skipped';
  }

  /** Leaves a host out for a reason that is an error of the run. */
  refuse(stage: RunStage, host: string, error: PgprovError): StepResult {
    const { emit, results } = this.#options;
    results.errors.push(error);
    results.of(host).failed += 1;
    emit({ type: 'step-end', host, stage: stage.id, result: 'failed', changes: 0, ms: 0, error });
    this.#out(host);
    return 'failed';
  }

  /** Has a host whose step is under way wait no longer for what `other` was to do. */
  callOff(host: string, other: string): void {
    this.#underWay.get(host)?.callOff(`${other} ${this.#options.results.hasFailed(other) ? 'failed' : 'is out'}`);
  }

  /** Nobody is to wait for a host that takes no further part. */
  #out(host: string): void {
    for (const [other, { needs }] of this.#underWay) if (needs.has(host)) this.callOff(other, host);
  }

  async #askProofs({ id }: RunStage, { proofs = [] }: Stage, host: string): Promise<void> {
    const { sessions, results, emit } = this.#options;
    for (const { on, gate } of proofs) {
      const session = sessions.get(on);
      if (session !== undefined && !results.hasFailed(on)) await askProof({ session, gate, stage: id, host, emit });
    }
  }
}
