import type { CheckResult, EventListener, HostRecap, PlannedChange, StepResult } from '../events.js';
import { asPgprovError, ExitCode, PgprovError, RefusedError } from '../lib/errors.js';
import type { Host, Inventory } from '../model/index.js';
import { PLATFORMS, type Platform } from '../platform/index.js';
import { buildPlan, stepWork } from '../plan/plan.js';
import type { Objection, Role } from '../plan/role.js';
import { aimedHosts, aimedRoles, checkAim, joinShapes, shapeHost, type Aim, type HostShape, type RunStage } from '../plan/shape.js';
import { View } from '../plan/view.js';
import { HOLD_UNTIL_INPUT_CLOSES, RELEASE_STEP_LOCK, takeRunLock, takeStepLock } from '../shell/lock.js';
import { joinScripts } from '../shell/quote.js';
import { holderName } from '../store/local-lock.js';
import type { Store } from '../store/store.js';
import type { Exec, Transport } from '../transport/transport.js';
import { contextFor, prepareStore } from './context.js';
import { sortWaves, startsSomething } from './rolling.js';
import { Session } from './session.js';
import { runStep, STEP_LOCK_TIMEOUT } from './step.js';
import { askable, probeSections, survey, takeStates } from './survey.js';

/** What a run is given. */
export interface RunOptions {
  inventory: Inventory;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  aim: Aim;
  /** `survey` and `plan` only look; `apply` also changes. */
  mode: 'survey' | 'plan' | 'apply';
  transport: Transport;
  store: Store;
  emit: EventListener;
  /** Aborting lets steps under way end and starts no more. */
  signal: AbortSignal;
}

/** How a run ended. */
export interface RunOutcome {
  exitCode: ExitCode;
  errors: readonly PgprovError[];
  plan: readonly PlannedChange[];
  /** What was seen last; undefined when no host answered. */
  view: View | undefined;
  checks: readonly CheckResult[];
}

/** Surveys, plans or applies: the whole of what a command does to its hosts. */
export async function runCluster(options: RunOptions): Promise<RunOutcome> {
  checkAim(options.inventory, options.catalog, options.aim);
  return new Run(options).go();
}

class Run {
  readonly #options: RunOptions;
  readonly #roles: Role[];
  #hosts: Host[];
  readonly #sessions = new Map<string, Session>();
  readonly #shapes = new Map<string, HostShape>();
  readonly #platforms = new Map<string, Platform>();
  readonly #locks: Exec[] = [];
  readonly #errors: PgprovError[] = [];
  readonly #recap = new Map<string, HostRecap>();
  readonly #startedAt = Date.now();
  #stages: RunStage[] = [];
  #plan: PlannedChange[] = [];
  #checks: CheckResult[] = [];
  /** Something was changed or waited for, so the survey no longer tells how things are. */
  #moved = false;

  constructor(options: RunOptions) {
    const { inventory, catalog, aim } = options;
    this.#options = options;
    this.#roles = aimedRoles(catalog, aim);
    const names = aimedHosts(inventory, catalog, aim);
    this.#hosts = inventory.hosts.filter((host) => names.includes(host.name));
    for (const { name } of this.#hosts) {
      this.#recap.set(name, { host: name, ok: 0, changed: 0, failed: 0, skipped: 0, remarks: [] });
    }
  }

  async go(): Promise<RunOutcome> {
    const { inventory, store, mode, emit } = this.#options;
    try {
      await prepareStore(inventory, store);
      for (const host of inventory.hosts) {
        const remembered = PLATFORMS.find(({ id }) => id === store.remembered(host.name)?.platform);
        if (remembered) this.#platforms.set(host.name, remembered);
      }
      this.#announce();
      await this.#connectAll();
      await this.#surveyAll();
      if (mode !== 'survey') await this.#planAndApply();
    } catch (error) {
      this.#fail(asPgprovError(error));
    } finally {
      for (const lock of this.#locks) lock.closeInput();
      await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    }
    const exitCode = this.#exitCode();
    emit({ type: 'run-end', exitCode, ms: Date.now() - this.#startedAt, recap: [...this.#recap.values()] });
    const view = this.#sessions.size > 0 ? this.#view() : undefined;
    return { exitCode, errors: this.#errors, plan: this.#plan, view, checks: this.#checks };
  }

  /** The shape of the run needs no connection: where a platform is not known yet, any will do for the titles. */
  #announce(): void {
    const { inventory, emit, mode } = this.#options;
    const shapes = new Map(this.#hosts.map((host) => [host.name, this.#shapeFor(host, this.#platforms.get(host.name))]));
    emit({
      type: 'run-start',
      command: mode,
      cluster: inventory.cluster,
      hosts: this.#hosts.map(({ name }) => name),
      stages: joinShapes(this.#roles, shapes).map(({ id, role, title, hosts }) => ({ id, role, title, hosts: [...hosts.keys()] })),
    });
    for (const warning of inventory.warnings) emit({ type: 'warning', text: warning.message });
  }

  #shapeFor(host: Host, platform: Platform = PLATFORMS[0] as Platform): HostShape {
    const { inventory, store } = this.#options;
    return shapeHost(this.#roles, contextFor(inventory, store, host, platform, this.#platforms));
  }

  async #connectAll(): Promise<void> {
    const { transport, emit, signal } = this.#options;
    await this.#forAll(this.#hosts, async (host) => {
      emit({ type: 'connecting', host: host.name });
      const began = Date.now();
      this.#sessions.set(host.name, await Session.open(host, transport, signal));
      emit({ type: 'connected', host: host.name, ms: Date.now() - began });
    });
  }

  /**
   * Runs a part of the preparation on every host. When any fails, all reasons are given and nothing is
   * changed; a mere survey goes on with the others.
   */
  async #forAll(hosts: readonly Host[], work: (host: Host) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(hosts.map(work));
    const reasons = results.flatMap((result, index) =>
      result.status === 'rejected' ? [asPgprovError(result.reason, hosts[index]?.name)] : [],
    );
    if (this.#options.mode !== 'survey') this.#throwAll(reasons);
    for (const reason of reasons) this.#fail(reason);
    this.#hosts = hosts.filter((_, index) => results[index]?.status === 'fulfilled');
  }

  #throwAll(reasons: readonly PgprovError[]): void {
    for (const reason of reasons.slice(0, -1)) this.#fail(reason);
    const last = reasons.at(-1);
    if (last) throw last;
  }

  async #surveyAll(): Promise<void> {
    const { inventory, store, mode, emit } = this.#options;
    const locks =
      mode === 'apply'
        ? {
            before: joinScripts([takeRunLock(holderName()), takeStepLock(STEP_LOCK_TIMEOUT), RELEASE_STEP_LOCK]),
            afterwards: HOLD_UNTIL_INPUT_CLOSES,
          }
        : {};
    await this.#forAll(this.#hosts, async (host) => {
      const session = this.#session(host.name);
      const began = Date.now();
      const { platform, shape, exec } = await survey(
        session,
        this.#platforms.get(host.name),
        (candidate) => this.#shapeFor(host, candidate),
        { ...locks, listener: { note: (text) => emit({ type: 'note', host: host.name, text }) } },
      );
      this.#locks.push(exec);
      this.#platforms.set(host.name, platform);
      this.#shapes.set(host.name, shape);
      emit({ type: 'surveyed', host: host.name, ms: Date.now() - began });
    });
    await store.remember(Object.fromEntries([...this.#platforms].map(([name, { id }]) => [name, { platform: id }])));
    this.#stages = joinShapes(this.#roles, this.#inInventoryOrder(inventory));
  }

  #inInventoryOrder(inventory: Inventory): Map<string, HostShape> {
    return new Map(
      inventory.hosts.flatMap(({ name }) => {
        const shape = this.#shapes.get(name);
        return shape === undefined ? [] : [[name, shape] as const];
      }),
    );
  }

  async #planAndApply(): Promise<void> {
    const { mode, emit, store } = this.#options;
    const view = this.#view();
    this.#object(this.#roles.flatMap((role) => [...(role.guards?.(view, store) ?? []), ...(role.preflight?.(view) ?? [])]));
    this.#plan = buildPlan(this.#stages, new Map([...this.#sessions].map(([name, { states }]) => [name, states])));
    emit({ type: 'planned', changes: this.#plan });
    if (mode === 'plan') return;
    await store.savePasswords();
    for (const group of groupStages(this.#stages)) {
      this.#object(this.#roles.flatMap((role) => role.guards?.(this.#view(), store) ?? []));
      const [first] = group;
      if (this.#hosts.every(({ name }) => this.#isOut(name))) break;
      if (first?.crossing === 'rolling') await this.#rolling(first);
      else await this.#independent(group);
    }
    await this.#prove();
  }

  #object(objections: readonly Objection[]): void {
    const worst = objections.some(({ kind }) => kind === 'refuse') ? 'refuse' : 'preflight';
    const errors = objections
      .filter(({ kind }) => kind === worst)
      .map(({ kind, host, message, hint }) => {
        const details = { message, hint, ...(host === undefined ? {} : { host }) };
        return kind === 'refuse'
          ? new RefusedError({ kind: 'refused/data', ...details })
          : new PgprovError({ kind: 'preflight/failed', ...details });
      });
    this.#throwAll(errors);
  }

  /** Stages that hosts go through by themselves, each at its own pace. */
  async #independent(group: readonly RunStage[]): Promise<void> {
    for (const stage of group) this.#options.emit({ type: 'stage-start', stage: stage.id });
    const began = Date.now();
    const left = new Map(group.map((stage) => [stage.id, stage.hosts.size]));
    await Promise.all(
      this.#hosts.map(async ({ name }) => {
        for (const stage of group) {
          if (!stage.hosts.has(name)) continue;
          await this.#step(stage, name);
          left.set(stage.id, (left.get(stage.id) ?? 0) - 1);
          if (left.get(stage.id) === 0) this.#options.emit({ type: 'stage-end', stage: stage.id, ms: Date.now() - began });
        }
      }),
    );
  }

  async #rolling(stage: RunStage): Promise<void> {
    const { emit, inventory } = this.#options;
    emit({ type: 'stage-start', stage: stage.id });
    const began = Date.now();
    const waves = sortWaves(stage, this.#sessions, inventory);
    let stopped = await this.#wave(stage, waves.leader);
    if (stage.leaderFirst && this.#hasFailed(inventory.leader)) stopped = inventory.leader;
    const held = stopped === undefined ? [] : waves.together.filter((host) => startsSomething(stage, this.#session(host)));
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
    const results = await Promise.all(hosts.map((host) => this.#step(stage, host)));
    return hosts[results.indexOf('failed')];
  }

  async #step(stage: RunStage, host: string): Promise<StepResult> {
    const { emit, signal } = this.#options;
    const part = stage.hosts.get(host);
    const shape = this.#shapes.get(host);
    if (part === undefined || shape === undefined) return 'skipped';
    if (this.#isOut(host)) return this.#skip(stage, host, 'an earlier stage was skipped on it');
    if (signal.aborted) return this.#skip(stage, host, 'interrupted');
    const session = this.#session(host);
    const work = stepWork(part, session.states);
    emit({ type: 'step-start', host, stage: stage.id, changes: work.changes.length });
    const began = Date.now();
    const recap = this.#recapOf(host);
    let changes = 0;
    const count: EventListener = (event) => {
      if (event.type === 'changed') changes += event.summaries.length;
      emit(event);
    };
    try {
      if (await runStep({ session, shape, id: stage.id, stage: part, emit: count })) this.#moved = true;
      const result = changes > 0 ? 'changed' : 'ok';
      recap.ok += part.resources.length - work.changes.length;
      emit({ type: 'step-end', host, stage: stage.id, result, changes, ms: Date.now() - began });
      return result;
    } catch (thrown) {
      const error = asPgprovError(thrown, host);
      this.#errors.push(error);
      recap.failed += 1;
      emit({ type: 'step-end', host, stage: stage.id, result: 'failed', changes, ms: Date.now() - began, error });
      return 'failed';
    } finally {
      recap.changed += changes;
    }
  }

  #skip(stage: RunStage, host: string, because: string): StepResult {
    const reason = this.#hasFailed(host) ? 'an earlier stage failed on it' : because;
    this.#recapOf(host).skipped += 1;
    this.#options.emit({ type: 'step-end', host, stage: stage.id, result: 'skipped', changes: 0, ms: 0, reason });
    return 'skipped';
  }

  /** Looks once more at what a run changed, and checks that the cluster is what was asked for. */
  async #prove(): Promise<void> {
    const { emit, signal } = this.#options;
    const alive = this.#hosts.filter(({ name }) => !this.#isOut(name));
    if (alive.length < this.#hosts.length || signal.aborted) return;
    if (this.#moved) {
      await this.#forAll(alive, async ({ name }) => {
        const session = this.#session(name);
        const observations = askable(this.#shapes.get(name) as HostShape);
        const { byId } = await session.run(probeSections(observations));
        takeStates(session, observations, byId);
      });
    }
    const view = this.#view();
    this.#checks = this.#roles.flatMap((role) => role.checks?.(view) ?? []);
    if (this.#checks.length > 0) emit({ type: 'checked', results: this.#checks });
    for (const { name } of alive) {
      this.#recapOf(name).remarks.push(...this.#roles.flatMap((role) => role.remarks?.(view, name) ?? []));
    }
    this.#throwAll(
      this.#checks
        .filter(({ ok }) => !ok)
        .map(({ title, detail, host }) => new PgprovError({
          kind: 'check/failed',
          message: `${host === undefined ? '' : `${host}: `}${title}: ${detail}`,
          hint: 'everything was applied, but the proof failed; `pgprov status` shows the cluster as it is',
          ...(host === undefined ? {} : { host }),
        })),
    );
  }

  #view(): View {
    return new View(
      this.#options.inventory,
      new Map([...this.#sessions].map(([name, { states }]) => [name, states])),
    );
  }

  #session(host: string): Session {
    return this.#sessions.get(host) as Session;
  }

  #recapOf(host: string): HostRecap {
    return this.#recap.get(host) as HostRecap;
  }

  /** A host that failed or was skipped takes no further part in the run. */
  #isOut(host: string): boolean {
    return this.#hasFailed(host) || this.#recapOf(host).skipped > 0;
  }

  #hasFailed(host: string): boolean {
    return (this.#recap.get(host)?.failed ?? 0) > 0;
  }

  #fail(error: PgprovError): void {
    this.#errors.push(error);
    if (error.host !== undefined && this.#recap.has(error.host)) this.#recapOf(error.host).failed += 1;
    this.#options.emit({ type: 'failed', error });
  }

  /** The gravest reason wins: refused, locked, unreachable, then a failed host; an interruption stands alone. */
  #exitCode(): ExitCode {
    const codes = new Set(this.#errors.map(({ exitCode }) => exitCode));
    const order = [ExitCode.refused, ExitCode.locked, ExitCode.badInput, ExitCode.hostFailed, ExitCode.unreachable];
    const found = order.find((code) => codes.has(code));
    if (found !== undefined) return found;
    return this.#options.signal.aborted ? ExitCode.interrupted : ExitCode.done;
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
