import type { CheckResult, EventListener, PlannedChange } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { formatProblem } from '../model/index.js';
import { selectedHosts, selectedRoles } from '../plan/selection.js';
import type {
  ConvergeStep,
  Desk,
  DeskStep,
  Foreseen,
  OperationObjection,
  OperationRun,
  OperationStart,
  OperationStep,
  SnapshotStep,
} from '../plan/operation.js';
import { holdsData } from '../plan/plan.js';
import { localServer } from '../plan/local-server.js';
import type { Role } from '../plan/role.js';
import type { HostWork } from '../plan/host-work.js';
import { writeProbe } from '../resources/write-probe.js';
import { withCluster, type Cluster } from './cluster.js';
import { Converging, partOf } from './converging.js';
import { takeHostStep } from './host-step.js';
import { objectionError } from './objection-error.js';
import type { OperateOptions, OperateOutcome, OperationProposal } from './operate-options.js';
import { factsOf, startOf } from './operation-start.js';
import { checkError, Pass } from './pass.js';
import { settledChecks } from './settled-checks.js';
import { settled } from './settling.js';
import { assertSameSteps, foreseenSteps } from './shown-steps.js';
import { Snapshots } from './snapshots.js';
import { pgprov } from '../lib/pgprov-command.js';

/**
 * Carries out an operation: looks, asks its guards, takes the first of the steps that are left, and does so again until none is
 * left; then proves. One connection a host, one lock and one account serve all of it.
 */
export async function operate<Options extends object>(options: OperateOptions<Options>): Promise<OperateOutcome> {
  return new Operating(options).go();
}

class Operating<Options extends object> {
  readonly #options: OperateOptions<Options>;
  readonly #roles: readonly Role[];
  readonly #done = new Set<string>();
  readonly #emit: EventListener;
  #start: OperationStart<Options> | undefined;
  /** That it resumes what the store says was begun. */
  #goesOn: string | undefined;
  #chosen: Options;
  #pass: Pass | undefined;
  #foreseen: OperationProposal | undefined;
  #checks: CheckResult[] = [];
  /** A person has agreed, or nobody had to be asked. */
  #agreed = false;
  /** A step that had anything to do was begun. */
  #moved = false;
  /** A host was changed, or may have been. */
  #touched = false;

  constructor(options: OperateOptions<Options>) {
    const {
      operation: { roles },
      catalog,
      inventory,
    } = options;
    this.#options = options;
    this.#roles = selectedRoles(catalog, { roles: typeof roles === 'function' ? roles({ catalog, inventory }) : roles });
    this.#chosen = options.chosen ?? options.given;
    this.#emit = (event) => {
      if (event.type === 'step-start' && event.changes > 0) this.#touched = true;
      options.emit(event);
    };
  }

  async go(): Promise<OperateOutcome> {
    const { operation, inventory, catalog, check } = this.#options;
    this.#start = await startOf(this.#options);
    this.#goesOn = operation.goesOn?.(this.#start);
    const names = selectedHosts(inventory, catalog, { roles: this.#roles.map(({ name }) => name) });
    const hosts = inventory.hosts.filter(({ name }) => names.includes(name));
    const unreachable = operation.unreachable ?? 'refuse';
    const options = { ...this.#options, emit: this.#emit, hosts, unreachable, locks: !check && operation.changesNothing !== true };
    const end = await withCluster(
      options,
      (cluster) => this.#work(cluster),
      (cluster) => this.#leave(cluster),
    );
    return { ...end, foreseen: this.#foreseen, checks: this.#checks };
  }

  async #work(cluster: Cluster): Promise<void> {
    const { operation, catalog, chosen, check, openStore } = this.#options;
    const { inspects = false, observations } = operation;
    const began = Date.now();
    const store = await openStore({ writable: false });
    const part = partOf(cluster, this.#roles);
    const more = observations === undefined ? {} : { more: observations };
    const pass = new Pass({ cluster, store, catalog, roles: this.#roles, part, thorough: true, inspects, ...more });
    this.#pass = pass;
    await pass.recall();
    this.#announce(cluster, Date.now() - began);
    await cluster.connections.connect();
    await pass.look();
    if (operation.unreachable === 'go-on') cluster.results.forgiveUnreachable();
    // A host that another run has locked, say, is no host that is out of reach.
    if (cluster.results.errors.length > 0 && operation.changesNothing !== true) return;
    const begins = chosen === undefined && this.#goesOn === undefined;
    this.#choose(cluster);
    await this.#guard(cluster);
    if (operation.requiresConverged !== false && begins) await this.#assertConverged(pass);
    const first = operation.remaining(this.#run(cluster));
    this.#foreseen = this.#proposal(cluster, first);
    this.#emit({ type: 'steps', steps: this.#foreseen.steps, ...(first.then === undefined ? {} : { then: first.then }) });
    if (check) return this.#foresee(cluster);
    await this.#finishing(cluster);
  }

  /** Takes all steps, proves, and says how it came out. */
  async #finishing(cluster: Cluster): Promise<void> {
    const { operation, end } = this.#options;
    try {
      await this.#steps(cluster);
    } catch (error) {
      if (this.#moved) await this.#tellBroken(cluster);
      throw error;
    }
    const broke = cluster.results.errors.length > 0 || (cluster.signal.aborted && operation.remaining(this.#run(cluster)).steps.length > 0);
    if (broke && this.#moved) await this.#tellBroken(cluster);
    if (cluster.signal.aborted || cluster.results.errors.length > 0) return;
    if (!this.#moved) this.#say(operation.nothing?.(this.#run(cluster)));
    await this.#prove(cluster);
    await end();
    if (this.#moved) this.#say(operation.finished?.(this.#run(cluster)));
  }

  /** Fills in what must not change any more, unless that was begun. */
  #choose(cluster: Cluster): void {
    const { operation, chosen, given } = this.#options;
    if (chosen !== undefined || this.#moved) return;
    this.#chosen = given;
    this.#chosen = operation.choose?.(this.#run(cluster)) ?? given;
  }

  #say(text: string | undefined): void {
    if (text !== undefined) this.#emit({ type: 'note', text });
  }

  #announce({ hosts }: Cluster, keysMs: number): void {
    const { operation, inventory, startUp } = this.#options;
    this.#emit({
      type: 'run-start',
      command: operation.name,
      cluster: inventory.cluster,
      hosts: hosts.map(({ name }) => name),
      stages: [],
      ...(startUp === undefined ? {} : { startUp: { ...startUp, keysMs } }),
    });
    for (const warning of inventory.warnings) this.#emit({ type: 'warning', text: formatProblem(warning) });
    this.#say(this.#goesOn);
  }

  async #assertConverged(pass: Pass): Promise<void> {
    const { inventory, operation } = this.#options;
    const { changes } = await pass.plan();
    if (changes.length === 0) return;
    const first = changes
      .slice(0, 5)
      .map(({ host, summary }) => `\n  ${host}: ${summary}`)
      .join('');
    const shown = `${first}${changes.length > 5 ? `\n  and ${changes.length - 5} more` : ''}`;
    throw new PgprovError({
      kind: 'operation/not-converged',
      message: `${inventory.cluster} differs from its inventory, and \`${operation.name}\` begins only where nothing does:${shown}`,
      hint: `nothing was changed; run ${pgprov`apply ${inventory}`} first`,
    });
  }

  /** With `check`: works out what the first step that has anything to do would change. */
  async #foresee(cluster: Cluster): Promise<void> {
    const { operation } = this.#options;
    for (;;) {
      const foreseen = operation.remaining(this.#run(cluster));
      this.#foreseen = this.#proposal(cluster, foreseen);
      const [step] = foreseen.steps;
      if (step === undefined || !('converge' in step)) return;
      const converging = await this.#planned(cluster, step);
      if (converging.changes.length > 0) {
        this.#foreseen = this.#proposal(cluster, foreseen, converging);
        return;
      }
      if (this.#done.has(step.id)) throw this.#stuck(step);
      this.#done.add(step.id);
    }
  }

  /** Takes step after step until none is left, the run is interrupted, or one fails. */
  async #steps(cluster: Cluster): Promise<void> {
    const { operation, end } = this.#options;
    while (!cluster.signal.aborted) {
      const foreseen = operation.remaining(this.#run(cluster));
      const [step] = foreseen.steps;
      if (step === undefined) return;
      if (this.#done.has(step.id)) throw this.#stuck(step);
      if (!(await this.#take(cluster, step, foreseen))) {
        // Where the very first step has moved nothing there is nothing to be finished.
        const [next] = operation.remaining(this.#run(cluster)).steps;
        if (this.#isFresh && next?.id === step.id && !this.#mayHaveMoved(cluster, step)) await end();
        return;
      }
      this.#done.add(step.id);
      await this.#guard(cluster);
    }
    if (this.#isFresh && !this.#touched) await end();
  }

  /** Neither this run nor an earlier one that it resumes has taken a step. */
  get #isFresh(): boolean {
    return this.#done.size === 0 && this.#options.chosen === undefined;
  }

  /** Whether a step that failed has changed a host, or may have: of one that fell silent only what was seen before is known. */
  #mayHaveMoved({ results }: Cluster, step: OperationStep): boolean {
    if ('converge' in step) return this.#touched;
    return 'on' in step && step.on.some((host) => results.hasFallenSilent(host) || results.of(host).changed > 0);
  }

  /** Carries a step out, once it is agreed to; false: it failed, or was interrupted. */
  async #take(cluster: Cluster, step: OperationStep, foreseen: Foreseen): Promise<boolean> {
    const { operation } = this.#options;
    if ('converge' in step) return this.#converge(cluster, step, foreseen);
    const touchesHosts = foreseen.steps.some((each) => !('atDesk' in each || 'snapshot' in each));
    await this.#agree(cluster, touchesHosts ? this.#proposal(cluster, foreseen) : undefined, async () => {
      await this.#lookAgain(cluster);
      await this.#guard(cluster);
      return this.#proposal(cluster, operation.remaining(this.#run(cluster)));
    });
    this.#say(step.tells);
    if ('snapshot' in step) return this.#snapshot(cluster, step);
    if (step.pointOfNoReturn === true) await this.#snapshots(cluster).before(operation.name, step);
    if ('atDesk' in step) {
      await this.#atDesk(step);
      return true;
    }
    await takeHostStep(cluster, `${operation.name}/${step.id}`, step, {
      contextOf: (host) => this.#contextOf(host),
      observationsOf: (host) => this.#shape(host).observations,
      probeOf: (name) => {
        const { host, platform } = this.#contextOf(name);
        return host.roles.includes('postgresql') ? writeProbe(localServer(host, platform)) : undefined;
      },
    });
    const failed = cluster.results.errors.length > 0;
    await this.#lookAgain(cluster);
    return !failed;
  }

  /**
   * Asks once, and writes down what was chosen.
   * @param proposal undefined: nothing is done that has to be asked about
   * @param again looks anew: the cluster may have changed while a person thought, and only what was shown is done
   */
  async #agree(cluster: Cluster, proposal: OperationProposal | undefined, again: () => Promise<OperationProposal>): Promise<void> {
    const { consent, begin } = this.#options;
    if (proposal !== undefined && !this.#agreed && this.#goesOn === undefined) {
      const ms = await consent?.(proposal);
      if (ms !== undefined) {
        cluster.answered(ms);
        assertSameSteps(proposal, await again());
      }
      this.#agreed = true;
    }
    if (this.#moved) return;
    await begin(this.#chosen);
    this.#moved = true;
  }

  async #converge(cluster: Cluster, step: ConvergeStep, foreseen: Foreseen): Promise<boolean> {
    const { results, signal } = cluster;
    const converging = await this.#planned(cluster, step);
    const isNeeded = converging.changes.length > 0 || step.converge.proves === true;
    if (!isNeeded || signal.aborted) return !signal.aborted;
    await this.#agree(cluster, this.#proposal(cluster, foreseen, converging), async () => {
      await converging.planAgain();
      await this.#guard(cluster, converging);
      return this.#proposal(cluster, this.#options.operation.remaining(this.#run(cluster)), converging);
    });
    this.#say(step.tells);
    if (step.pointOfNoReturn === true) await this.#snapshots(cluster).before(this.#options.operation.name, step);
    await converging.carryOut();
    this.#pass = converging.pass;
    await this.#recall();
    return results.errors.length === 0 && !signal.aborted;
  }

  /** A converge step, planned; its guards have nothing against the plan, unless that is empty. */
  async #planned(cluster: Cluster, step: ConvergeStep): Promise<Converging> {
    const { operation, catalog, openStore, check } = this.#options;
    const converging = await Converging.planned({ cluster, step, operation, catalog, openStore, check });
    this.#pass = converging.pass;
    if (converging.changes.length > 0) await this.#guard(cluster, converging);
    return converging;
  }

  async #atDesk(step: DeskStep): Promise<void> {
    const { operation } = this.#options;
    const stage = `${operation.name}/${step.id}`;
    const began = Date.now();
    this.#emit({ type: 'stage-start', stage });
    await step.atDesk(await this.#desk());
    await this.#recall();
    this.#emit({ type: 'stage-end', stage, ms: Date.now() - began });
  }

  async #snapshot(cluster: Cluster, step: SnapshotStep): Promise<boolean> {
    const { name } = this.#options.operation;
    const stage = `${name}/${step.id}`;
    const began = Date.now();
    this.#emit({ type: 'stage-start', stage });
    await this.#snapshots(cluster).take(name, step);
    this.#emit({ type: 'stage-end', stage, ms: Date.now() - began });
    return true;
  }

  #snapshots(cluster: Cluster): Snapshots {
    const { catalog, openStore } = this.#options;
    return new Snapshots({ cluster, catalog, openStore, emit: this.#emit, contextOf: (host) => this.#contextOf(host) });
  }

  async #desk(): Promise<Desk> {
    const { openStore, putSecret } = this.#options;
    return { store: await openStore({ writable: true }), put: putSecret };
  }

  /** Reads again what the store says. */
  async #recall(): Promise<void> {
    if (this.#start !== undefined) this.#start = { ...this.#start, kept: factsOf(await this.#options.openStore({ writable: false })) };
  }

  async #lookAgain({ connections }: Cluster): Promise<void> {
    const shapes = [...connections.sessions.keys()].map((host): [string, HostWork] => [
      host,
      { observations: this.#shape(host).observations, stages: [] },
    ]);
    await connections.ask(new Map(shapes));
  }

  /** Asks the guards; what may pass by itself is looked at anew for a while, of a converge step with what it would change. */
  async #guard(cluster: Cluster, converging?: Converging): Promise<void> {
    const { operation } = this.#options;
    const left = await settled<OperationObjection>({
      cluster,
      ...(operation.patience === undefined ? {} : { patience: operation.patience }),
      objections: () => operation.guards?.(this.#run(cluster, converging?.changes)) ?? [],
      look: async (found) => {
        if (converging !== undefined) return converging.planAgain();
        await cluster.connections.ask(this.#pass?.shapes.confirmed ?? new Map());
        // What was chosen of members that were not up yet is chosen anew.
        if (found.some(({ settles }) => settles !== true)) this.#choose(cluster);
      },
    });
    cluster.results.throwAll(left.map(objectionError));
  }

  async #prove(cluster: Cluster): Promise<void> {
    const { operation } = this.#options;
    this.#checks = await settledChecks({
      cluster,
      checks: () => operation.checks?.(this.#run(cluster)) ?? [],
      look: () => this.#lookAgain(cluster),
    });
    if (this.#checks.length > 0) this.#emit({ type: 'checked', results: this.#checks });
    cluster.results.throwAll(this.#checks.filter(({ ok }) => !ok).map((check) => checkError(this.#options.inventory, check)));
  }

  async #tellBroken(cluster: Cluster): Promise<void> {
    const { operation } = this.#options;
    if (operation.broken === undefined) return;
    await this.#recall();
    const text = await operation.broken(this.#run(cluster), { touched: this.#touched, desk: await this.#desk() });
    this.#emit({ type: 'warning', text });
  }

  #proposal(cluster: Cluster, { steps, then }: Foreseen, converging?: Converging): OperationProposal {
    const { operation } = this.#options;
    const all = cluster.hosts.map(({ name }) => name);
    const run = this.#run(cluster);
    const [question, nothing] = [operation.question?.(run), steps.length === 0 ? operation.nothing?.(run) : undefined];
    return {
      steps: foreseenSteps(operation.name, steps, all),
      holdsData: run.holdsData,
      ...(then === undefined ? {} : { then }),
      ...(converging === undefined ? {} : { plan: { changes: converging.changes, effects: converging.proposal.effects, hosts: all } }),
      ...(question === undefined ? {} : { question }),
      ...(nothing === undefined ? {} : { nothing }),
    };
  }

  #run(cluster: Cluster, planned?: readonly PlannedChange[]): OperationRun<Options> {
    const view = cluster.view();
    return {
      ...(this.#start as OperationStart<Options>),
      options: this.#chosen,
      view,
      done: this.#done,
      planned,
      holdsData: holdsData(this.#options.catalog, view),
      contextOf: (host) => this.#contextOf(host),
    };
  }

  #contextOf(name: string): ReturnType<OperationRun<Options>['contextOf']> {
    const host = this.#options.inventory.hosts.find((candidate) => candidate.name === name);
    if (host === undefined || this.#pass === undefined) throw new RangeError(`${name} is no host of the operation`);
    return this.#pass.shapes.contextOf(host);
  }

  #shape(host: string): HostWork {
    return this.#pass?.shapes.confirmed.get(host) ?? { observations: [], stages: [] };
  }

  #stuck(step: OperationStep): PgprovError {
    return new PgprovError({
      kind: 'operation/stuck',
      message: `the step "${step.title}" was carried out, and the cluster still needs it`,
      hint: `look at the cluster with ${pgprov`status ${this.#options.inventory}`}; the same command continues from what it finds`,
    });
  }

  #leave(cluster: Cluster): void {
    const { describe } = this.#options;
    if (describe === undefined || this.#pass?.looked !== true) return;
    this.#emit({ type: 'cluster', status: describe(cluster.view()), afterwards: true });
  }
}
