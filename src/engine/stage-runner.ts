import type { EventListener, StepResult } from '../events.js';
import { asPgprovError } from '../lib/errors.js';
import type { Inventory } from '../model/index.js';
import { interrupts, isConcerted, stepWork } from '../plan/plan.js';
import type { Stage } from '../plan/role.js';
import type { HostShape, RunStage } from '../plan/shape.js';
import { sortWaves, startsSomething } from '../plan/waves.js';
import { Concert } from './concert.js';
import type { Ledger } from './ledger.js';
import type { Session } from './session.js';
import { askProof } from './proof.js';
import { runStep } from './step.js';

/** What a stage runner works with. */
export interface StageRunnerOptions {
  inventory: Inventory;
  stages: readonly RunStage[];
  sessions: ReadonlyMap<string, Session>;
  shapes: ReadonlyMap<string, HostShape>;
  ledger: Ledger;
  emit: EventListener;
  signal: AbortSignal;
  /** Asked before each group of stages; throws when the run must not go on. */
  guard(): void;
}

/** Takes the hosts through the stages, in order, each stage in its own way of crossing the cluster. */
export class StageRunner {
  readonly #options: StageRunnerOptions;
  /** Something was changed or waited for, so the survey no longer tells how things are. */
  moved = false;

  constructor(options: StageRunnerOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { stages, sessions, ledger, guard } = this.#options;
    for (const group of groupStages(stages)) {
      if ([...sessions.keys()].every((host) => ledger.isOut(host))) return;
      guard();
      const [first] = group;
      if (first?.crossing === 'rolling') await this.#rolling(first);
      else await this.#independent(group);
    }
  }

  /** Stages that hosts go through by themselves, each at its own pace. */
  async #independent(group: readonly RunStage[]): Promise<void> {
    const { emit, sessions } = this.#options;
    for (const stage of group) emit({ type: 'stage-start', stage: stage.id });
    const began = Date.now();
    const left = new Map(group.map((stage) => [stage.id, stage.hosts.size]));
    await Promise.all(
      [...sessions.keys()].map(async (host) => {
        for (const stage of group) {
          if (!stage.hosts.has(host)) continue;
          await this.#step(stage, host);
          left.set(stage.id, (left.get(stage.id) ?? 0) - 1);
          if (left.get(stage.id) === 0) emit({ type: 'stage-end', stage: stage.id, ms: Date.now() - began });
        }
      }),
    );
  }

  async #rolling(stage: RunStage): Promise<void> {
    const { emit, inventory, sessions, ledger } = this.#options;
    emit({ type: 'stage-start', stage: stage.id });
    const began = Date.now();
    const waves = sortWaves(stage, new Map([...sessions].map(([host, { states }]) => [host, states])), inventory);
    let stopped = await this.#wave(stage, waves.leader);
    if (stage.leaderFirst && ledger.hasFailed(inventory.leader)) stopped = inventory.leader;
    const held = stopped === undefined ? [] : waves.together.filter((host) => startsSomething(stage, host, this.#session(host).states));
    for (const host of held) this.#skip(stage, host, `${stopped}, the first leader, failed`);
    const failed = await this.#wave(stage, waves.together.filter((host) => !held.includes(host)));
    stopped ??= failed;
    for (const host of waves.oneByOne) {
      if (stopped === undefined) stopped = await this.#wave(stage, [host]);
      else this.#skip(stage, host, `${stopped} failed, and two members are never down at once`);
    }
    emit({ type: 'stage-end', stage: stage.id, ms: Date.now() - began });
  }

  /** Takes hosts through a stage side by side; gives the first that failed. */
  async #wave(stage: RunStage, hosts: readonly string[]): Promise<string | undefined> {
    const leading = hosts.filter((host) => this.#takesPart(stage, host, 'leads'));
    const following = leading.length === 0 ? [] : hosts.filter((host) => this.#takesPart(stage, host, 'follows'));
    const silent = leading.find((host) => this.#options.ledger.isOut(host));
    const concert = new Concert(following);
    const results = await Promise.all(
      hosts.map((host) => {
        if (leading.includes(host)) return this.#lead(stage, host, concert);
        if (!following.includes(host)) return this.#step(stage, host);
        return this.#follow(stage, host, concert, silent);
      }),
    );
    return hosts[results.indexOf('failed')];
  }

  async #lead(stage: RunStage, host: string, concert: Concert): Promise<StepResult> {
    const missing = await concert.missing();
    if (missing === undefined) return this.#step(stage, host, concert);
    return this.#skip(stage, host, `${missing} is not ready, and this changes on all members or on none`);
  }

  async #follow(stage: RunStage, host: string, concert: Concert, silent: string | undefined): Promise<StepResult> {
    const result = silent === undefined ? await this.#step(stage, host, concert) : this.#skip(stage, host, `it would wait in vain for ${silent}, which is out`);
    concert.end(host);
    return result;
  }

  #takesPart(stage: RunStage, host: string, part: 'leads' | 'follows'): boolean {
    const mine = stage.hosts.get(host);
    return mine !== undefined && isConcerted(stepWork(mine, this.#session(host).states), part);
  }

  async #step(stage: RunStage, host: string, concert?: Concert): Promise<StepResult> {
    const { emit, signal, ledger, shapes } = this.#options;
    const part = stage.hosts.get(host);
    const shape = shapes.get(host);
    if (part === undefined || shape === undefined) return 'skipped';
    if (ledger.isOut(host)) return this.#skip(stage, host, 'an earlier stage was skipped on it');
    if (signal.aborted && concert?.underWay !== true) return this.#skip(stage, host, 'interrupted');
    const session = this.#session(host);
    const work = stepWork(part, session.states);
    emit({ type: 'step-start', host, stage: stage.id, changes: work.changes.length });
    const began = Date.now();
    const recap = ledger.of(host);
    const follows = new Set(work.changes.filter(({ changes: all }) => all.some(({ concerted }) => concerted === 'follows')).map(({ resource }) => resource.id));
    let changes = 0;
    const count: EventListener = (event) => {
      if (event.type === 'changed') changes += event.summaries.length;
      if (event.type === 'changing' && follows.has(event.resource)) concert?.begin(host);
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
      ledger.errors.push(error);
      recap.failed += 1;
      emit({ type: 'step-end', host, stage: stage.id, result: 'failed', changes, ms: Date.now() - began, error });
      return 'failed';
    } finally {
      recap.changed += changes;
    }
  }

  async #askProofs({ id }: RunStage, { proofs = [] }: Stage, host: string): Promise<void> {
    const { sessions, ledger, emit } = this.#options;
    for (const { on, gate } of proofs) {
      const session = sessions.get(on);
      if (session !== undefined && !ledger.hasFailed(on)) await askProof({ session, gate, stage: id, host, emit });
    }
  }

  #skip(stage: RunStage, host: string, because: string): StepResult {
    const { emit, ledger } = this.#options;
    const reason = ledger.hasFailed(host) ? 'an earlier stage failed on it' : because;
    ledger.of(host).skipped += 1;
    emit({ type: 'step-end', host, stage: stage.id, result: 'skipped', changes: 0, ms: 0, reason });
    return 'skipped';
  }

  #session(host: string): Session {
    return this.#options.sessions.get(host) as Session;
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
