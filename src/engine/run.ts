import type { CheckResult, EventListener, LeftOut, PlannedChange, StartUp } from '../events.js';
import type { ClusterStatus } from '../lib/cluster-status.js';
import { asPgprovError, type ExitCode, PgprovError } from '../lib/errors.js';
import type { Inventory } from '../model/index.js';
import { aimedHosts, aimedRoles, type Aim } from '../plan/aim.js';
import { effectsOf } from '../plan/effects.js';
import { buildPlan, holdsData } from '../plan/plan.js';
import type { Objection, Part, Role } from '../plan/role.js';
import { takersOf } from '../plan/takers.js';
import { View } from '../plan/view.js';
import type { Store } from '../store/store.js';
import type { Transport } from '../transport/transport.js';
import { bringKeys, identitiesOf } from './context.js';
import { Crew } from './crew.js';
import { HostShapes } from './host-shapes.js';
import { Ledger } from './ledger.js';
import { objectionError } from './objection-error.js';
import { StageRunner } from './stage-runner.js';
import { UnitGuards } from './unit-guards.js';

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
  /** What a person should know ahead of the plan. */
  notices: readonly string[];
}

/** Surveys, plans or applies: the whole of what a command does to its hosts. */
export async function runCluster(options: RunOptions): Promise<RunOutcome> {
  return new Run(options).go();
}

class Run {
  readonly #options: RunOptions;
  readonly #roles: Role[];
  readonly #shapes: HostShapes;
  readonly #crew: Crew;
  readonly #ledger: Ledger;
  readonly #startedAt = Date.now();
  #proposal: Proposal = { changes: [], effects: [], holdsData: false };
  #notices: string[] = [];
  #checks: CheckResult[] = [];
  /** Every host has answered the first look. */
  #looked = false;
  /** What was seen is how the run leaves it. */
  #proved = false;

  constructor(options: RunOptions) {
    const { inventory, catalog, aim, mode, store, transport, emit, signal } = options;
    this.#options = options;
    this.#roles = aimedRoles(catalog, aim);
    const names = aimedHosts(inventory, catalog, aim);
    const hosts = inventory.hosts.filter((host) => names.includes(host.name));
    this.#ledger = new Ledger(names, emit);
    this.#shapes = new HostShapes({ inventory, store, catalog, roles: this.#roles, thorough: mode === 'survey' });
    this.#crew = new Crew({ hosts, mode, transport, ledger: this.#ledger, emit, signal });
  }

  async go(): Promise<RunOutcome> {
    const { mode, emit, signal } = this.#options;
    try {
      // Servers take their time over a handshake, in which the run's shape is worked out here.
      this.#crew.dial();
      await this.#recall();
      this.#announce();
      await this.#crew.connect();
      await this.#crew.survey(this.#shapes);
      this.#looked = true;
      await this.#shapes.remember();
      if (mode !== 'survey') await this.#planAndApply();
    } catch (error) {
      this.#ledger.fail(asPgprovError(error));
    } finally {
      this.#describe();
      await this.#crew.leave();
    }
    const exitCode = this.#ledger.exitCode(signal.aborted);
    emit({ type: 'run-end', exitCode, ms: Date.now() - this.#startedAt, recap: this.#ledger.recap, cpuMs: cpuTime() });
    const view = this.#crew.sessions.size > 0 ? this.#view() : undefined;
    const { changes: plan, effects, holdsData: data } = this.#proposal;
    return { exitCode, errors: this.#ledger.errors, plan, effects, holdsData: data, view, checks: this.#checks, notices: this.#notices };
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
    this.#shapes.recall();
  }

  #announce(): void {
    const { inventory, emit, mode, startUp } = this.#options;
    const keysMs = Date.now() - this.#startedAt;
    const { hosts: taking } = this.#crew;
    const leftOut = this.#leftOut();
    emit({
      type: 'run-start',
      command: mode,
      cluster: inventory.cluster,
      hosts: taking.map(({ name }) => name),
      stages: this.#shapes.foreseen(taking).map((stage) => ({ id: stage.id, role: stage.role, title: stage.title, hosts: takersOf(stage, new Map()).map(([host]) => host) })),
      ...(startUp === undefined ? {} : { startUp: { ...startUp, keysMs } }),
      ...(leftOut === undefined ? {} : { leftOut }),
    });
    for (const warning of inventory.warnings) emit({ type: 'warning', text: warning.message });
  }

  async #planAndApply(): Promise<void> {
    const { mode, emit, store, inventory, signal } = this.#options;
    const { hosts, sessions } = this.#crew;
    const stages = this.#shapes.stages(hosts);
    const states = new Map([...sessions].map(([name, session]) => [name, session.states]));
    const part = this.#part();
    this.#guard((view, role) => [...(role.preflight?.(view) ?? []), ...(part === undefined ? [] : (role.needs?.(view, part) ?? []))], this.#shapes.missing(hosts, states));
    this.#notices = [...new Set(this.#roles.flatMap((role) => role.notices?.(this.#view()) ?? []))];
    for (const text of this.#notices) emit({ type: 'warning', text });
    const guards = new UnitGuards({ inventory, sessions });
    for (const stage of stages) this.#ledger.throwAll([...(await guards.foresee(stage)).values()].map(objectionError));
    const changes = buildPlan(stages, states);
    const view = this.#view();
    const effects = changes.length === 0 ? [] : [...effectsOf(stages, states, inventory), ...this.#roles.flatMap((role) => role.effects?.(view) ?? [])];
    this.#proposal = { changes, effects, holdsData: holdsData(states) };
    emit({ type: 'planned', changes, effects });
    this.#proved = mode === 'plan';
    if (mode === 'plan') return;
    if (changes.length > 0) await this.#options.consent?.(this.#proposal);
    await store.savePasswords();
    if (bringKeys(this.#roles)) await store.certificates.save(hosts.map(({ name }) => name));
    const runner = new StageRunner({
      inventory,
      stages,
      sessions,
      shapes: this.#shapes.settled,
      ledger: this.#ledger,
      emit,
      signal,
      guards,
      guard: () => this.#guard(),
    });
    await runner.run();
    if (hosts.every(({ name }) => !this.#ledger.isOut(name)) && !signal.aborted) await this.#prove(runner.moved);
  }

  /** What of the cluster the run leaves out; undefined when that is nothing. */
  #leftOut(): LeftOut | undefined {
    const { inventory, catalog } = this.#options;
    const part = this.#part();
    if (part === undefined) return undefined;
    const used = catalog.filter(({ name }) => inventory.hosts.some(({ roles }) => roles.includes(name)));
    const hosts = inventory.hosts.filter(({ name, roles }) => !part.hosts.has(name) && roles.length > 0).map(({ name }) => name);
    const roles = used.filter(({ name }) => !part.roles.has(name)).map(({ name }) => name);
    return hosts.length + roles.length === 0 ? undefined : { hosts, roles };
  }

  /** What the run takes part in; undefined when that is everything. */
  #part(): Part | undefined {
    const { aim } = this.#options;
    if (aim.hosts === undefined && aim.roles === undefined) return undefined;
    return { hosts: new Set(this.#crew.hosts.map(({ name }) => name)), roles: new Set(this.#roles.map(({ name }) => name)) };
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
    const weighty = objections.filter(({ kind }) => kind === worst);
    const decisive = weighty.filter((objection) => objection.decisive === true);
    this.#ledger.throwAll((decisive.length > 0 ? decisive : weighty).map(objectionError));
  }

  /** Looks once more where the run moved anything, and checks that the cluster is what was asked for. */
  async #prove(moved: boolean): Promise<void> {
    const { emit } = this.#options;
    if (moved) await this.#crew.surveyAgain(this.#shapes.settled);
    this.#proved = true;
    const view = this.#view();
    this.#checks = this.#roles.flatMap((role) => role.checks?.(view) ?? []);
    if (this.#checks.length > 0) emit({ type: 'checked', results: this.#checks });
    for (const { name } of this.#crew.hosts) {
      this.#ledger.of(name).remarks.push(...this.#roles.flatMap((role) => role.remarks?.(view, name) ?? []));
    }
    this.#ledger.throwAll(this.#checks.filter(({ ok }) => !ok).map(checkError));
  }

  #view(): View {
    return new View(this.#options.inventory, new Map([...this.#crew.sessions].map(([name, { states }]) => [name, states])));
  }
}

/** Milliseconds of the processor that this process has used. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1000);
}

function checkError({ title, detail, host }: CheckResult): PgprovError {
  return new PgprovError({
    kind: 'check/failed',
    message: `${host === undefined ? '' : `${host}: `}${title}: ${detail}`,
    hint: 'everything was applied, but the proof failed; `pgprov status` shows the cluster as it is',
    ...(host === undefined ? {} : { host }),
  });
}
