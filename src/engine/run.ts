import type { CheckResult, EventListener, HostPhase, PlannedChange, StartUp } from '../events.js';
import type { ClusterStatus } from '../lib/cluster-status.js';
import { asPgprovError, type ExitCode, PgprovError, RefusedError } from '../lib/errors.js';
import type { Host, Inventory } from '../model/index.js';
import { PLATFORMS, type Platform } from '../platform/index.js';
import { buildPlan, holdsData } from '../plan/plan.js';
import type { Objection, Part, Role } from '../plan/role.js';
import { aimedHosts, aimedRoles, type Aim } from '../plan/aim.js';
import { effectsOf } from '../plan/effects.js';
import { leftOutRoles, missingRoles } from '../plan/missing.js';
import { joinShapes, shapeHost, type HostShape, type RunStage } from '../plan/shape.js';
import { View } from '../plan/view.js';
import { thoroughly } from '../resources/resource.js';
import { HOLD_UNTIL_INPUT_CLOSES, RELEASE_STEP_LOCK, takeRunLock, takeStepLock } from '../shell/lock.js';
import { joinScripts } from '../shell/quote.js';
import { holderName } from '../store/local-lock.js';
import type { Store } from '../store/store.js';
import type { Exec, Transport } from '../transport/transport.js';
import { bringKeys, contextFor, identitiesOf } from './context.js';
import { Ledger } from './ledger.js';
import { LookTimer } from './look-timer.js';
import { Session } from './session.js';
import { StageRunner } from './stage-runner.js';
import { STEP_LOCK_TIMEOUT } from './step.js';
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
  /** Where the time before the run went, for those who ask. */
  startUp?: Omit<StartUp, 'keysMs'>;
  /** Asked once, before the first change of an apply that has any; throws when it must not go on. */
  consent?(proposal: Proposal): Promise<void>;
  /** Tells what the run saw of the cluster; not asked when the hosts were not all looked at. */
  describe?(view: View): Omit<ClusterStatus, 'dynamic'>;
}

/** What an apply is about to do. */
export interface Proposal {
  changes: readonly PlannedChange[];
  effects: readonly string[];
  /** A host of the run has a database already. */
  holdsData: boolean;
}

/** How a run ended. */
export interface RunOutcome {
  exitCode: ExitCode;
  errors: readonly PgprovError[];
  plan: readonly PlannedChange[];
  /** What the plan means for services, a sentence each. */
  effects: readonly string[];
  /** A host of the run has a database. */
  holdsData: boolean;
  /** What was seen last; undefined when no host answered. */
  view: View | undefined;
  checks: readonly CheckResult[];
}

/** Surveys, plans or applies: the whole of what a command does to its hosts. */
export async function runCluster(options: RunOptions): Promise<RunOutcome> {
  return new Run(options).go();
}

class Run {
  readonly #options: RunOptions;
  readonly #roles: Role[];
  /** Looked at and not applied: what the run's roles need on the same host, and the run leaves out. */
  readonly #leftOut: Role[];
  readonly #leftOutShapes = new Map<string, HostShape>();
  /** The hosts that take part; a mere survey drops those that do not answer. */
  #hosts: Host[];
  readonly #sessions = new Map<string, Session>();
  /** Connections that were begun, by host; why one failed is told by whoever takes it from here. */
  readonly #dialled = new Map<string, Promise<Session>>();
  /** Calls off connections that nobody waits for any more. */
  readonly #hangUp = new AbortController();
  readonly #shapes = new Map<string, HostShape>();
  /** Shapes as they were worked out last, and what for. */
  readonly #worked = new Map<string, { platform: Platform; learnt: number; shape: HostShape }>();
  /** How often a host's platform turned out to be another than was thought. */
  #learnt = 0;
  readonly #platforms = new Map<string, Platform>();
  /** Execs that hold the hosts' locks until their input is closed. */
  readonly #locks: Exec[] = [];
  readonly #ledger: Ledger;
  readonly #startedAt = Date.now();
  #proposal: Proposal = { changes: [], effects: [], holdsData: false };
  #checks: CheckResult[] = [];
  /** Every host has answered the first look. */
  #looked = false;
  /** What was seen is how the run leaves it. */
  #proved = false;

  constructor(options: RunOptions) {
    const { inventory, catalog, aim, emit } = options;
    this.#options = options;
    this.#roles = aimedRoles(catalog, aim);
    this.#leftOut = leftOutRoles(catalog, this.#roles);
    const names = aimedHosts(inventory, catalog, aim);
    this.#hosts = inventory.hosts.filter((host) => names.includes(host.name));
    this.#ledger = new Ledger(names, emit);
  }

  async go(): Promise<RunOutcome> {
    const { mode, emit, signal } = this.#options;
    try {
      // Servers take their time over a handshake, in which the run's shape is worked out here.
      this.#dial();
      await this.#recall();
      this.#announce();
      await this.#connectAll();
      await this.#surveyAll();
      if (mode !== 'survey') await this.#planAndApply();
    } catch (error) {
      this.#ledger.fail(asPgprovError(error));
    } finally {
      this.#describe();
      for (const lock of this.#locks) lock.closeInput();
      this.#hangUp.abort();
      for (const dialled of this.#dialled.values()) void dialled.then((session) => session.close(), () => {});
      await Promise.all([...this.#sessions.values()].map((session) => this.#sayGoodbye(session)));
    }
    const exitCode = this.#ledger.exitCode(signal.aborted);
    emit({ type: 'run-end', exitCode, ms: Date.now() - this.#startedAt, recap: this.#ledger.recap, cpuMs: cpuTime() });
    const view = this.#sessions.size > 0 ? this.#view() : undefined;
    const { changes: plan, effects, holdsData: data } = this.#proposal;
    return { exitCode, errors: this.#ledger.errors, plan, effects, holdsData: data, view, checks: this.#checks };
  }

  #describe(): void {
    const { describe, emit } = this.#options;
    if (describe === undefined || !this.#looked) return;
    emit({ type: 'cluster', status: describe(this.#view()), afterwards: this.#proved });
  }

  /** What the control machine has: keys, and what the hosts were when they were last seen. */
  async #recall(): Promise<void> {
    const { inventory, store } = this.#options;
    await store.certificates.prepare(identitiesOf(inventory));
    for (const { name } of inventory.hosts) {
      const remembered = PLATFORMS.find(({ id }) => id === store.remembered(name)?.platform);
      if (remembered) this.#platforms.set(name, remembered);
    }
  }

  async #sayGoodbye(session: Session): Promise<void> {
    const began = Date.now();
    await session.close();
    this.#options.emit({ type: 'disconnected', host: session.host.name, ms: Date.now() - began, scripts: session.execs });
  }

  /** The shape of the run needs no connection: where a platform is not known yet, any will do for the titles. */
  #announce(): void {
    const { inventory, emit, mode, startUp } = this.#options;
    const keysMs = Date.now() - this.#startedAt;
    const shapes = new Map(this.#hosts.map((host) => [host.name, this.#shapeFor(host, this.#platforms.get(host.name))]));
    emit({
      type: 'run-start',
      command: mode,
      cluster: inventory.cluster,
      hosts: this.#hosts.map(({ name }) => name),
      stages: joinShapes(this.#roles, shapes).map(({ id, role, title, hosts }) => ({ id, role, title, hosts: [...hosts.keys()] })),
      ...(startUp === undefined ? {} : { startUp: { ...startUp, keysMs } }),
    });
    for (const warning of inventory.warnings) emit({ type: 'warning', text: warning.message });
  }

  #shapeFor(host: Host, platform: Platform = PLATFORMS[0] as Platform): HostShape {
    const known = this.#worked.get(host.name);
    if (known?.platform === platform && known.learnt === this.#learnt) return known.shape;
    const shape = this.#workOut(host, platform);
    this.#worked.set(host.name, { platform, learnt: this.#learnt, shape });
    return shape;
  }

  #workOut(host: Host, platform: Platform): HostShape {
    const { inventory, store } = this.#options;
    const context = contextFor(inventory, store, host, platform, this.#platforms);
    const all = shapeHost(this.#roles, context);
    const shape = this.#options.mode === 'survey' ? { ...all, observations: thoroughly(all.observations) } : all;
    if (this.#leftOut.length === 0) return shape;
    const leftOut = shapeHost(this.#leftOut, context);
    this.#leftOutShapes.set(host.name, leftOut);
    return { ...shape, observations: [...shape.observations, ...askable(leftOut)] };
  }

  #dial(): void {
    const { transport, signal } = this.#options;
    const until = AbortSignal.any([signal, this.#hangUp.signal]);
    for (const host of this.#hosts) {
      const dialled = Session.open(host, transport, until);
      dialled.catch(() => {});
      this.#dialled.set(host.name, dialled);
    }
  }

  async #connectAll(): Promise<void> {
    const { emit } = this.#options;
    await this.#forAll('connect', this.#hosts, async (host) => {
      emit({ type: 'connecting', host: host.name });
      const began = Date.now();
      const session = await (this.#dialled.get(host.name) as Promise<Session>);
      this.#dialled.delete(host.name);
      this.#sessions.set(host.name, session);
      const ms = Date.now() - began;
      emit({ type: 'connected', host: host.name, ms, queuedMs: Math.min(ms, Math.round(session.queuedMs)) });
    });
  }

  /**
   * Runs a part of the preparation on every host. When any fails, all reasons are given and nothing is
   * changed; a mere survey goes on with the others.
   */
  async #forAll(phase: HostPhase, hosts: readonly Host[], work: (host: Host) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(hosts.map((host) => this.#try(phase, host, work)));
    const reasons = results.flatMap((result, index) =>
      result.status === 'rejected' ? [asPgprovError(result.reason, hosts[index]?.name)] : [],
    );
    if (this.#options.mode !== 'survey') this.#ledger.throwAll(reasons);
    for (const reason of reasons) this.#ledger.fail(reason);
    this.#hosts = hosts.filter((_, index) => results[index]?.status === 'fulfilled');
  }

  /** Why a host fails is told once the others are through, so when it did is told at once. */
  async #try(phase: HostPhase, host: Host, work: (host: Host) => Promise<void>): Promise<void> {
    const began = Date.now();
    try {
      await work(host);
    } catch (error) {
      this.#options.emit({ type: 'gave-up', host: host.name, phase, ms: Date.now() - began });
      throw error;
    }
  }

  async #surveyAll(): Promise<void> {
    const { store, mode, emit } = this.#options;
    const locks =
      mode === 'apply'
        ? {
            before: joinScripts([takeRunLock(holderName()), takeStepLock(STEP_LOCK_TIMEOUT), RELEASE_STEP_LOCK]),
            afterwards: HOLD_UNTIL_INPUT_CLOSES,
          }
        : {};
    await this.#forAll('survey', this.#hosts, async (host) => {
      const began = Date.now();
      const timer = new LookTimer();
      const { platform, shape, exec } = await survey(
        this.#session(host),
        this.#platforms.get(host.name),
        (candidate) => this.#shapeFor(host, candidate),
        {
          ...locks,
          listener: {
            begin: () => timer.begin(),
            done: (id) => timer.done(id),
            note: (text) => emit({ type: 'note', host: host.name, text }),
          },
        },
      );
      this.#locks.push(exec);
      if (this.#platforms.get(host.name) !== platform) this.#learnt += 1;
      this.#platforms.set(host.name, platform);
      this.#shapes.set(host.name, shape);
      emit({ type: 'surveyed', host: host.name, ms: Date.now() - began, times: timer.times });
    });
    this.#looked = true;
    await store.remember(Object.fromEntries([...this.#platforms].map(([name, { id }]) => [name, { platform: id }])));
  }

  async #planAndApply(): Promise<void> {
    const { mode, emit, store, inventory, signal } = this.#options;
    const stages = this.#stages();
    const states = new Map([...this.#sessions].map(([name, session]) => [name, session.states]));
    const part = this.#part();
    this.#guard((view, role) => [...(role.preflight?.(view) ?? []), ...(part === undefined ? [] : (role.needs?.(view, part) ?? []))], this.#missing(states));
    const changes = buildPlan(stages, states);
    const effects = changes.length === 0 ? [] : effectsOf(stages, states, inventory);
    this.#proposal = { changes, effects, holdsData: holdsData(states) };
    emit({ type: 'planned', changes, effects });
    this.#proved = mode === 'plan';
    if (mode === 'plan') return;
    if (changes.length > 0) await this.#options.consent?.(this.#proposal);
    await store.savePasswords();
    if (bringKeys(this.#roles)) await store.certificates.save(this.#hosts.map(({ name }) => name));
    const runner = new StageRunner({
      inventory,
      stages,
      sessions: this.#sessions,
      shapes: this.#shapes,
      ledger: this.#ledger,
      emit,
      signal,
      guard: () => this.#guard(),
    });
    await runner.run();
    if (this.#hosts.every(({ name }) => !this.#ledger.isOut(name)) && !signal.aborted) await this.#prove(runner.moved);
  }

  /** What the run takes part in; undefined when that is everything. */
  #part(): Part | undefined {
    const { aim } = this.#options;
    if (aim.hosts === undefined && aim.roles === undefined) return undefined;
    return { hosts: new Set(this.#hosts.map(({ name }) => name)), roles: new Set(this.#roles.map(({ name }) => name)) };
  }

  #missing(states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): Objection[] {
    const shapes = this.#hosts.flatMap(({ name }) => {
      const shape = this.#leftOutShapes.get(name);
      return shape === undefined ? [] : [[name, shape] as const];
    });
    return missingRoles(this.#roles, buildPlan(joinShapes(this.#leftOut, new Map(shapes)), states));
  }

  /** The run's stages, their hosts in inventory order whoever answered first. */
  #stages(): RunStage[] {
    const shapes = this.#hosts.map(({ name }) => [name, this.#shapes.get(name) as HostShape] as const);
    return joinShapes(this.#roles, new Map(shapes));
  }

  /**
   * Asks the guards, and whatever else a moment calls for, whether the run may go on. A refusal outweighs
   * objections of other kinds, which are then not told.
   */
  #guard(more: (view: View, role: Role) => readonly Objection[] = () => [], others: readonly Objection[] = []): void {
    const view = this.#view();
    const { store } = this.#options;
    const objections = [...this.#roles.flatMap((role) => [...(role.guards?.(view, store) ?? []), ...more(view, role)]), ...others];
    const worst = objections.some(({ kind }) => kind === 'refuse') ? 'refuse' : 'preflight';
    this.#ledger.throwAll(objections.filter(({ kind }) => kind === worst).map(objectionError));
  }

  /** Looks once more at what a run moved, and checks that the cluster is what was asked for. */
  async #prove(moved: boolean): Promise<void> {
    const { emit } = this.#options;
    if (moved) {
      await this.#forAll('survey-again', this.#hosts, async (host) => {
        const began = Date.now();
        const timer = new LookTimer();
        const session = this.#session(host);
        const { observations: all } = this.#shapes.get(host.name) as HostShape;
        // What the stages made was read back when they made it; how the cluster is now is in the observations.
        const observations = askable({ observations: thoroughly(all.filter(({ asked }) => asked !== 'first')), stages: [] });
        if (observations.length === 0) return;
        const { byId } = await session.run(probeSections(observations), {
          listener: { begin: () => timer.begin(), done: (id) => timer.done(id) },
        });
        takeStates(session, observations, byId);
        emit({ type: 'surveyed-again', host: host.name, ms: Date.now() - began, times: timer.times });
      });
    }
    this.#proved = true;
    const view = this.#view();
    this.#checks = this.#roles.flatMap((role) => role.checks?.(view) ?? []);
    if (this.#checks.length > 0) emit({ type: 'checked', results: this.#checks });
    for (const { name } of this.#hosts) {
      this.#ledger.of(name).remarks.push(...this.#roles.flatMap((role) => role.remarks?.(view, name) ?? []));
    }
    this.#ledger.throwAll(this.#checks.filter(({ ok }) => !ok).map(checkError));
  }

  #view(): View {
    return new View(this.#options.inventory, new Map([...this.#sessions].map(([name, { states }]) => [name, states])));
  }

  #session(host: Host): Session {
    return this.#sessions.get(host.name) as Session;
  }
}

/** Milliseconds of the processor that this process has used. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1000);
}

function objectionError({ kind, host, message, hint }: Objection): PgprovError {
  const details = { message, hint, ...(host === undefined ? {} : { host }) };
  return kind === 'refuse'
    ? new RefusedError({ kind: 'refused/data', ...details })
    : new PgprovError({ kind: 'preflight/failed', ...details });
}

function checkError({ title, detail, host }: CheckResult): PgprovError {
  return new PgprovError({
    kind: 'check/failed',
    message: `${host === undefined ? '' : `${host}: `}${title}: ${detail}`,
    hint: 'everything was applied, but the proof failed; `pgprov status` shows the cluster as it is',
    ...(host === undefined ? {} : { host }),
  });
}
