import type { CheckResult, Drift, LeftOut, PlannedChange, StageShape } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { pgprov } from '../lib/pgprov-command.js';
import type { Inventory } from '../model/index.js';
import { effectsOf } from '../plan/effects.js';
import { guardLeftUnits } from '../plan/left-units.js';
import { obstaclesOf } from '../plan/obstacles.js';
import { buildPlan, dangersOf, holdsData } from '../plan/plan.js';
import type { Objection, RunScope, Role, RoleContext } from '../plan/role.js';
import type { RunStage } from '../plan/host-work.js';
import { takersOf, takingPart } from '../plan/takers.js';
import { certificatePlaces, identitiesOf } from '../plan/tls.js';
import { untestedSystems } from '../plan/untested.js';
import type { View } from '../plan/view.js';
import type { Observation } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import type { Cluster } from './cluster.js';
import { WorkOfHosts } from './work-of-hosts.js';
import { objectionError } from './objection-error.js';
import { settledChecks } from './settled-checks.js';
import { settled } from './settling.js';
import { StageRunner } from './stage-runner.js';
import { UnitGuards } from './unit-guards.js';

/** What a pass brings to its hosts. */
export interface PassOptions {
  cluster: Cluster;
  store: Store;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  /** Those that it applies. */
  roles: readonly Role[];
  /** What the command selects; undefined when that is everything. */
  part?: RunScope;
  /** Ask at the first look already what else only proves a run that changed something. */
  thorough: boolean;
  /** Ask what the roles ask for commands about certificates as well. */
  inspects?: boolean;
  /** Take only the stages with proofs, on all hosts side by side, and prove nothing. */
  crossing?: 'all-at-once' | undefined;
  /** Only objections and proofs of these hosts count, and those that name no host; undefined: all. */
  answersFor?: readonly string[] | undefined;
  /** What is asked of each host besides what the roles ask. */
  more?(context: RoleContext): Observation[];
}

/** What a pass is about to do. */
export interface Proposal {
  changes: readonly PlannedChange[];
  effects: readonly string[];
  drift: readonly Drift[];
  /** A host of the run has a database already. */
  holdsData: boolean;
  /** The hosts of the run, in inventory order. */
  hosts: readonly string[];
  /** What of the cluster it leaves out; undefined when that is nothing. */
  leftOut: LeftOut | undefined;
  /** What its stages are called, by their ids. */
  titles: ReadonlyMap<string, string>;
  /** Where it was only looked, why a run would refuse to change anything; undefined: as far as was seen, none would. */
  refusal?: string;
}

/** Before anything is planned. */
export const NOTHING_PLANNED: Proposal = {
  changes: [],
  effects: [],
  drift: [],
  holdsData: false,
  hosts: [],
  leftOut: undefined,
  titles: new Map(),
};

/**
 * Brings what some roles want to the hosts that are connected: looks, plans, carries out, proves. A run is one pass; an operation may make
 * several.
 */
export class Pass {
  readonly #options: PassOptions;
  readonly #shapes: WorkOfHosts;
  #stages: RunStage[] = [];
  #proposal: Proposal = NOTHING_PLANNED;
  #notices: string[] = [];
  #checks: CheckResult[] = [];
  #looked = false;
  #proved = false;

  constructor(options: PassOptions) {
    const {
      cluster: { inventory },
    } = options;
    this.#options = options;
    this.#shapes = new WorkOfHosts({ ...options, inventory });
  }

  /** The hosts with what is asked of them, once they have answered. */
  get shapes(): WorkOfHosts {
    return this.#shapes;
  }

  /** What it would do, once it has planned. */
  get proposal(): Proposal {
    return this.#proposal;
  }

  /** What a person should know ahead of the plan. */
  get notices(): readonly string[] {
    return this.#notices;
  }

  /** What was proved at the end, or was not. */
  get checks(): readonly CheckResult[] {
    return this.#checks;
  }

  /** Every host has answered the first look. */
  get looked(): boolean {
    return this.#looked;
  }

  /** What was seen last is how the pass leaves it. */
  get proved(): boolean {
    return this.#proved;
  }

  /** What of the cluster it leaves out; undefined when that is nothing. */
  get leftOut(): LeftOut | undefined {
    const {
      part,
      catalog,
      cluster: { inventory },
    } = this.#options;
    if (part === undefined) return undefined;
    const used = catalog.filter(({ name }) => inventory.hosts.some(({ roles }) => roles.includes(name)));
    const hosts = inventory.hosts.filter(({ name, roles }) => !part.hosts.has(name) && roles.length > 0).map(({ name }) => name);
    const roles = used.filter(({ name }) => !part.roles.has(name)).map(({ name }) => name);
    return hosts.length + roles.length === 0 ? undefined : { hosts, roles };
  }

  /** What the control machine has: keys, and what the hosts were when they were last seen. */
  async recall(): Promise<void> {
    const {
      store,
      catalog,
      cluster: { inventory },
    } = this.#options;
    await store.certificates.prepare(identitiesOf(catalog, inventory));
    this.#shapes.recall();
  }

  /** The stages as far as they are known before the hosts have answered. */
  foreseen(): StageShape[] {
    const stages = this.#shapes.foreseen(this.#options.cluster.connections.hosts);
    return stages.map((stage) => ({
      id: stage.id,
      role: stage.role,
      title: stage.title,
      hosts: takersOf(stage, new Map()).map(([host]) => host),
    }));
  }

  /** Asks all hosts everything; the first look of a run also takes their locks. */
  async look(): Promise<void> {
    await this.#options.cluster.connections.survey(this.#shapes);
    this.#looked = true;
    await this.#shapes.remember();
  }

  /**
   * Asks the guards, and works out what would be done.
   * @throws PgprovError where something speaks against it
   */
  async plan({
    silently = false,
  }: {
    /** It was told before, and only what is seen has changed. */ silently?: boolean;
  } = {}): Promise<Proposal> {
    const {
      cluster: { connections, inventory, results, emit },
      roles,
      part,
    } = this.#options;
    const { hosts, sessions } = connections;
    this.#stages = this.#shapes.stages(hosts);
    const states = new Map([...sessions].map(([name, session]) => [name, session.states]));
    await this.#guard(
      (view, role) => [...(role.preflight?.(view) ?? []), ...(part === undefined ? [] : (role.missingPrerequisites?.(view, part) ?? []))],
      () => [
        ...this.#shapes.missing(hosts, states),
        ...guardLeftUnits({ hosts, cluster: inventory.cluster }, states),
        ...obstaclesOf(this.#stages, states),
      ],
    );
    const view = this.#view();
    this.#notices = [...untestedSystems(view), ...new Set(roles.flatMap((role) => role.notices?.(view) ?? []))];
    if (!silently) for (const text of this.#notices) emit({ type: 'warning', text });
    const guards = this.#unitGuards();
    for (const stage of this.#stages) results.throwAll([...(await guards.foresee(takingPart(stage, states))).values()].map(objectionError));
    const changes = buildPlan(this.#stages, states);
    const seen = this.#view();
    const effects =
      changes.length === 0 ? [] : [...effectsOf(this.#stages, states, inventory), ...roles.flatMap((role) => role.effects?.(seen) ?? [])];
    const drift = this.#drift(seen);
    this.#proposal = {
      changes,
      effects,
      drift,
      holdsData: holdsData(this.#options.catalog, seen),
      hosts: hosts.map(({ name }) => name),
      leftOut: this.leftOut,
      titles: new Map(this.#stages.map(({ id, title }) => [id, title])),
    };
    if (!silently) emit({ type: 'planned', changes, effects, ...(drift.length === 0 ? {} : { drift }) });
    return this.#proposal;
  }

  /** The stages as they were planned. */
  planned(): StageShape[] {
    const states = new Map([...this.#options.cluster.connections.sessions].map(([name, session]) => [name, session.states]));
    return this.#stages.map((stage) => ({
      id: stage.id,
      role: stage.role,
      title: stage.title,
      hosts: [...takingPart(stage, states).hosts.keys()],
    }));
  }

  /**
   * Takes down what is in force otherwise than the inventory says, for who only looks: what no run would change, the dangers that a run
   * would end, all that it would change, and whether it would refuse to. What a role has left behind stops a run that changes nothing as well.
   * Effects are not asked for.
   */
  seeDrift(): void {
    const { hosts, sessions } = this.#options.cluster.connections;
    const states = new Map(hosts.map(({ name }) => [name, sessions.get(name)?.states ?? new Map<string, unknown>()]));
    const stages = this.#shapes.stages(hosts);
    const drift = [...this.#drift(this.#view()), ...dangersOf(this.#options.cluster.inventory, stages, states)];
    const changes = buildPlan(stages, states);
    const [left] = guardLeftUnits(this.#options.cluster.inventory, states);
    const refusal = changes.length === 0 || sessions.size < hosts.length ? left?.message : (this.#refusal(stages, states) ?? left?.message);
    this.#proposal = { ...this.#proposal, drift, changes, ...(refusal === undefined ? {} : { refusal }) };
  }

  /** The weightiest thing that speaks against a run, of what another look would not change. */
  #refusal(stages: readonly RunStage[], states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): string | undefined {
    const { store, roles } = this.#options;
    const view = this.#view();
    const against = [
      ...this.outdated(),
      ...roles.flatMap((role) => [...(role.guards?.(view, store) ?? []), ...(role.preflight?.(view) ?? [])]),
      ...obstaclesOf(stages, states),
    ].filter((objection) => this.#answersFor(objection));
    const refusing = against.filter(({ kind }) => kind === 'refuse');
    const weighty = (refusing.length > 0 ? refusing : against).filter(({ settles }) => settles === undefined);
    return (weighty.find(({ decisive }) => decisive === true) ?? weighty[0])?.message;
  }

  /** What the cluster has, as it was seen last, that the store does not know. */
  outdated(): Objection[] {
    const { store, roles } = this.#options;
    return roles.flatMap((role) => role.outdated?.(this.#view(), store) ?? []);
  }

  #drift(view: View): Drift[] {
    return this.#options.roles.flatMap((role) => role.drift?.(view) ?? []);
  }

  /** Carries out what was planned, and proves it where every host came through. */
  async carryOut(): Promise<void> {
    const {
      cluster: { connections, inventory, results, emit, signal },
      store,
      roles,
    } = this.#options;
    const { hosts, sessions } = connections;
    await store.savePasswords();
    if (certificatePlaces(roles, inventory).length > 0) await store.certificates.save(hosts.map(({ name }) => name));
    const runner = new StageRunner({
      inventory,
      stages: this.#stages,
      sessions,
      shapes: this.#shapes.confirmed,
      results,
      emit,
      signal,
      guards: this.#unitGuards(),
      guard: () => this.#guard(),
    });
    await runner.run();
    if (hosts.every(({ name }) => !results.isExcluded(name)) && !signal.aborted) await this.#prove(runner.moved);
  }

  #unitGuards(): UnitGuards {
    const {
      cluster: { connections, inventory },
    } = this.#options;
    return new UnitGuards({ inventory, sessions: connections.sessions });
  }

  /**
   * Asks the guards, and whatever else a moment calls for, whether the run may continue. A refusal outweighs
   * objections of other kinds, which are then not told. What may pass by itself is waited for.
   */
  async #guard(
    more: (view: View, role: Role) => readonly Objection[] = () => [],
    others: () => readonly Objection[] = () => [],
  ): Promise<void> {
    const { cluster, store, roles } = this.#options;
    const { connections, results } = cluster;
    const objections = (): readonly Objection[] => {
      const view = this.#view();
      const all = [
        ...this.outdated(),
        ...roles.flatMap((role) => [...(role.guards?.(view, store) ?? []), ...more(view, role)]),
        ...others(),
      ].filter((objection) => this.#answersFor(objection));
      const worst = all.some(({ kind }) => kind === 'refuse') ? 'refuse' : 'preflight';
      const weighty = all.filter(({ kind }) => kind === worst);
      const decisive = weighty.filter((objection) => objection.decisive === true);
      return decisive.length > 0 ? decisive : weighty;
    };
    // A host that failed on the way may not answer, and what is seen of it is past.
    const isWhole = connections.hosts.every(({ name }) => !results.isExcluded(name));
    const left = isWhole ? await settled({ cluster, objections, look: () => connections.ask(this.#shapes.confirmed) }) : objections();
    results.throwAll(left.map(objectionError));
  }

  /** Looks once more where the run moved anything, and checks that the cluster is what was asked for. */
  async #prove(moved: boolean): Promise<void> {
    const {
      cluster: { connections, results, emit },
      roles,
    } = this.#options;
    if (moved) await connections.surveyAgain(this.#shapes.confirmed);
    this.#checks = await this.#settledChecks();
    this.#proved = true;
    const view = this.#view();
    if (this.#checks.length > 0) emit({ type: 'checked', results: this.#checks });
    for (const { name } of connections.hosts) {
      const { remarks } = results.of(name);
      remarks.push(...roles.flatMap((role) => role.remarks?.(view, name) ?? []).filter((remark) => !remarks.includes(remark)));
    }
    results.throwAll(this.#checks.filter(({ ok }) => !ok).map((check) => checkError(this.#options.cluster.inventory, check)));
  }

  async #settledChecks(): Promise<CheckResult[]> {
    const { cluster, roles, crossing } = this.#options;
    if (crossing !== undefined) return [];
    return settledChecks({
      cluster,
      checks: () => roles.flatMap((role) => role.checks?.(this.#view()) ?? []).filter((check) => this.#answersFor(check)),
      look: () => cluster.connections.surveyAgain(this.#shapes.confirmed),
    });
  }

  /** Whether what is said counts: what it is about is its host's, or nobody's in particular. */
  #answersFor({ host }: { host?: string | undefined }): boolean {
    const { answersFor } = this.#options;
    return host === undefined || answersFor === undefined || answersFor.includes(host);
  }

  #view(): View {
    return this.#options.cluster.view();
  }
}

/** A proof that failed, as the error that a run ends with. */
export function checkError(inventory: Inventory, { title, detail, host, mend }: CheckResult): PgprovError {
  return new PgprovError({
    kind: 'check/failed',
    message: `${host === undefined ? '' : `${host}: `}${title}: ${detail}`,
    hint: mend ?? `everything was applied, but the proof failed; ${pgprov`status ${inventory}`} shows the cluster as it is`,
    ...(host === undefined ? {} : { host }),
  });
}
