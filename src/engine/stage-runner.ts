import type { Inventory } from '../model/index.js';
import type { RunStage } from '../plan/host-work.js';
import { takersOf, takingPart } from '../plan/takers.js';
import { moveOf, sortWaves, startsFirst, startsSomething } from '../plan/waves.js';
import { takeWave } from './coordinated-wave.js';
import { HostSteps, type HostStepsOptions } from './host-steps.js';
import { objectionError } from './objection-error.js';
import type { UnitGuards } from './unit-guards.js';

/** What a stage runner works with. */
export interface StageRunnerOptions extends HostStepsOptions {
  inventory: Inventory;
  stages: readonly RunStage[];
  /** Asked before units are started or restarted. */
  guards: UnitGuards;
  /** Asked before each group of stages; fails when the run must not continue. */
  guard(): Promise<void>;
}

/** Takes the hosts through the stages, in order, each stage in its own way of crossing the cluster. */
export class StageRunner {
  readonly #options: StageRunnerOptions;
  readonly #steps: HostSteps;

  constructor(options: StageRunnerOptions) {
    this.#options = options;
    this.#steps = new HostSteps(options);
  }

  /** Something was changed or waited for, so the survey no longer shows how things are. */
  get moved(): boolean {
    return this.#steps.moved;
  }

  async run(): Promise<void> {
    const { stages, sessions, results, guard } = this.#options;
    for (const group of groupStages(stages)) {
      if ([...sessions.keys()].every((host) => results.isExcluded(host))) return;
      await guard();
      const [first] = group;
      if (first?.crossing === 'rolling') await this.#rolling(first);
      else await this.#independent(group);
    }
  }

  /** Stages that hosts go through by themselves, each at its own pace. */
  async #independent(group: readonly RunStage[]): Promise<void> {
    const { emit, sessions, results } = this.#options;
    for (const stage of group) emit({ type: 'stage-start', stage: stage.id });
    const began = Date.now();
    const states = new Map([...sessions].map(([host, session]) => [host, session.states]));
    const takers = new Map(
      group.map((stage) => [stage.id, new Set(takersOf(stage, states, (host) => results.isExcluded(host)).map(([host]) => host))]),
    );
    const left = new Map(group.map((stage) => [stage.id, takers.get(stage.id)?.size ?? 0]));
    await Promise.all(
      [...sessions.keys()].map(async (host) => {
        for (const stage of group) {
          if (takers.get(stage.id)?.has(host) !== true) continue;
          await this.#steps.take(stage, host);
          left.set(stage.id, (left.get(stage.id) ?? 0) - 1);
          if (left.get(stage.id) === 0) emit({ type: 'stage-end', stage: stage.id, ms: Date.now() - began });
        }
      }),
    );
  }

  /** A stage whose hosts go in waves, so that two members are never down at once. */
  async #rolling(whole: RunStage): Promise<void> {
    const { emit, inventory, sessions, results, signal } = this.#options;
    emit({ type: 'stage-start', stage: whole.id });
    const began = Date.now();
    const states = new Map([...sessions].map(([host, session]) => [host, session.states]));
    const stage = takingPart(whole, states);
    const waves = sortWaves(stage, states, inventory);
    const first = startsFirst(stage, states, inventory);
    let stopped = await this.#wave(stage, waves.leader);
    if (first !== undefined && sessions.has(first.host) && results.isExcluded(first.host) && !signal.aborted) stopped = first.host;
    const held = stopped === undefined ? [] : waves.together.filter((host) => startsSomething(stage, host, states.get(host) ?? new Map()));
    for (const host of held) this.#steps.skip(stage, host, `${stopped}, ${first?.what}, failed`);
    const failed = await this.#wave(
      stage,
      waves.together.filter((host) => !held.includes(host)),
    );
    stopped ??= failed;
    for (const host of waves.oneByOne) {
      stopped ??= this.#lost(stage, host);
      if (stopped === undefined) stopped = await this.#wave(stage, [host]);
      else
        this.#steps.skip(
          stage,
          host,
          `${stopped} ${results.hasFailed(stopped) ? 'failed' : 'was skipped'}, and two members are never down at once`,
        );
    }
    emit({ type: 'stage-end', stage: stage.id, ms: Date.now() - began });
  }

  /** A host of the stage that an earlier stage lost, where no guard will show whether its unit works. */
  #lost(stage: RunStage, host: string): string | undefined {
    const { results, sessions } = this.#options;
    const restarts = moveOf(stage, host, sessions.get(host)?.states ?? new Map()) === 'restart';
    if (restarts && stage.hosts.get(host)?.unitGuard !== undefined) return undefined;
    return [...stage.hosts.keys()].find((other) => results.isExcluded(other));
  }

  /** Gives the first host of the wave that failed. */
  async #wave(stage: RunStage, hosts: readonly string[]): Promise<string | undefined> {
    const { inventory, sessions, results, signal, guards } = this.#options;
    const whole = inventory.hosts.every(({ name, roles }) => !roles.includes(stage.role) || sessions.has(name));
    const going = signal.aborted ? [] : hosts.filter((host) => !results.isExcluded(host));
    const objections = await guards.ask(stage, going);
    for (const [host, objection] of objections) this.#steps.refuse(stage, host, objectionError(objection));
    const failed = await takeWave({
      stage,
      hosts: hosts.filter((host) => !objections.has(host)),
      steps: this.#steps,
      sessions,
      results,
      whole,
    });
    return hosts.find((host) => objections.has(host)) ?? failed;
  }
}

/** Consecutive independent stages belong together; a rolling stage stands alone. */
function groupStages(stages: readonly RunStage[]): RunStage[][] {
  const groups: RunStage[][] = [];
  for (const stage of stages) {
    const last = groups.at(-1);
    if (stage.crossing === 'independent' && last?.[0]?.crossing === 'independent') last.push(stage);
    else groups.push([stage]);
  }
  return groups;
}
