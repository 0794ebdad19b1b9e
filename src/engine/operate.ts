import type { CheckResult, EventListener } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { formatProblem } from '../model/index.js';
import { selectedHosts, selectedRoles } from '../plan/selection.js';
import type { Foreseen, LeftOver, OperationObjection, OperationStart, OperationStep } from '../plan/operation.js';
import type { Role } from '../plan/role.js';
import { Begun } from './begun.js';
import { withCluster, type Cluster } from './cluster.js';
import { partOf, type Converging } from './converging.js';
import { objectionError } from './objection-error.js';
import type { OperateOptions, OperateOutcome, OperationProposal } from './operate-options.js';
import { moreOf, startOf } from './operation-start.js';
import { OperationState } from './operation-state.js';
import { OperationSteps } from './operation-steps.js';
import { checkError, Pass } from './pass.js';
import { settledChecks } from './settled-checks.js';
import { settled } from './settling.js';
import { strangersObjections } from './strangers.js';
import { pgprov } from '../lib/pgprov-command.js';

/**
 * Carries out an operation: looks, asks its guards, takes the first of the steps that are left, and does so again until none is
 * left; then proves. One connection a host, one lock and one account serve all of it.
 */
export async function operate<Options extends object>(options: OperateOptions<Options>): Promise<OperateOutcome> {
  const { operation, inventory, catalog, check } = options;
  const start = await startOf(options);
  const names = typeof operation.roles === 'function' ? operation.roles(start) : operation.roles;
  const roles = selectedRoles(catalog, { roles: names });
  const taking = selectedHosts(inventory, catalog, { roles: roles.map(({ name }) => name) });
  const hosts = inventory.hosts.filter(({ name }) => taking.includes(name));
  const begun = new Begun(options);
  const emit: EventListener = (event) => {
    begun.hear(event);
    options.emit(event);
  };
  const unreachable = operation.unreachable === undefined || operation.unreachable === 'refuse' ? 'refuse' : 'go-on';
  const locks = !check && operation.changesNothing !== true;
  let operating = undefined as Operating<Options> | undefined;
  const end = await withCluster(
    { ...options, emit, hosts, unreachable, locks },
    async (cluster) => {
      operating = await Operating.on({ options: { ...options, emit }, start, roles, cluster, begun });
      await operating.go();
    },
    () => operating?.leave(),
  );
  return { ...end, foreseen: operating?.foreseen, checks: operating?.checks ?? [], answer: operating?.answer() };
}

/** What an operation is carried out with, once it is known where. */
interface OperatingParts<Options extends object> {
  options: OperateOptions<Options>;
  start: OperationStart<Options>;
  roles: readonly Role[];
  cluster: Cluster;
  begun: Begun<Options>;
}

/** The loop of an operation's steps on a cluster. */
class Operating<Options extends object> {
  /** What was foreseen before the first step. */
  foreseen: OperationProposal | undefined;
  checks: CheckResult[] = [];
  readonly #options: OperateOptions<Options>;
  readonly #cluster: Cluster;
  readonly #begun: Begun<Options>;
  readonly #emit: EventListener;
  readonly #state: OperationState<Options>;
  readonly #takes: OperationSteps<Options>;
  readonly #roles: readonly Role[];
  /** Ids of the steps that were told of. */
  readonly #announced = new Set<string>();
  /** That it resumes what the store says was begun. */
  readonly #goesOn: string | undefined;
  /** Milliseconds that opening the store took. */
  readonly #keysMs: number;

  private constructor({ options, start, roles, cluster, begun, pass, keysMs }: OperatingParts<Options> & { pass: Pass; keysMs: number }) {
    this.#options = options;
    this.#roles = roles;
    this.#cluster = cluster;
    this.#begun = begun;
    this.#emit = options.emit;
    this.#state = new OperationState({ options, start, cluster, pass });
    this.#goesOn = options.operation.goesOn?.(start);
    const resumes = this.#goesOn !== undefined;
    this.#takes = new OperationSteps({
      options,
      cluster,
      state: this.#state,
      begun,
      resumes,
      guard: (converging) => this.#guard(converging),
    });
    this.#keysMs = keysMs;
  }

  /** Opens the store, and works out what is asked of the hosts. */
  static async on<Options extends object>(parts: OperatingParts<Options>): Promise<Operating<Options>> {
    const { options, roles, cluster } = parts;
    const { operation, catalog, openStore } = options;
    const { inspects = false } = operation;
    const more = moreOf(operation, parts.start);
    const began = Date.now();
    const store = await openStore({ writable: false });
    const pass = new Pass({ cluster, store, catalog, roles, part: partOf(cluster, roles), thorough: true, inspects, ...more });
    await pass.recall();
    return new Operating({ ...parts, pass, keysMs: Date.now() - began });
  }

  /** Looks, asks the guards, takes all steps, and proves. */
  async go(): Promise<void> {
    const { operation } = this.#options;
    const { connections, results } = this.#cluster;
    const { pass } = this.#state;
    this.#announce();
    await connections.connect();
    await pass.look();
    const away = operation.unreachable === 'go-on' || operation.unreachable === 'tell' ? results.forgiveUnreachable() : [];
    try {
      await this.#proceed();
    } finally {
      if (operation.unreachable === 'tell') results.errors.push(...away);
    }
  }

  /** Asks the guards, takes all steps, and proves, with the hosts that answered. */
  async #proceed(): Promise<void> {
    const { operation, chosen, check } = this.#options;
    const [{ results }, { pass }] = [this.#cluster, this.#state];
    // A host that another run has locked, say, is no host that is out of reach.
    if (results.errors.length > 0 && operation.changesNothing !== true) return;
    const begins = chosen === undefined && this.#goesOn === undefined;
    // What must be possible in an emergency brings hosts nothing; where it comes to that after all, the pass asks.
    if (operation.changesNothing !== true && operation.bears !== true) results.throwAll(pass.outdated().map(objectionError));
    this.#choose();
    await this.#guard();
    if (operation.requiresConverged !== false && begins) await this.#assertConverged(pass);
    const first = this.#state.remaining();
    this.foreseen = this.#state.proposal(first);
    this.#emit({ type: 'steps', steps: this.foreseen.steps, ...(first.then === undefined ? {} : { then: first.then }) });
    for (const { id } of this.foreseen.steps) this.#announced.add(id);
    if (check) return this.#foresee();
    await this.#finishing();
  }

  /** Tells what was seen of the cluster last. */
  leave(): void {
    const { describe } = this.#options;
    if (describe === undefined || !this.#state.pass.looked) return;
    this.#emit({ type: 'cluster', status: describe(this.#cluster.view()), afterwards: true });
  }

  /** What the operation answers with. */
  answer(): object | undefined {
    return this.foreseen === undefined ? undefined : this.#options.operation.answer?.(this.#state.run());
  }

  /** Takes all steps, proves, and says how it came out. */
  async #finishing(): Promise<void> {
    const { operation } = this.#options;
    const { results, signal } = this.#cluster;
    try {
      await this.#steps();
    } catch (error) {
      await this.#breakOff();
      throw error;
    }
    if (results.errors.length > 0 || (signal.aborted && this.#state.remaining().steps.length > 0)) await this.#breakOff();
    if (signal.aborted || results.errors.length > 0) return;
    const { isWritten } = this.#begun;
    if (!isWritten) this.#say(operation.nothing?.(this.#state.run()));
    await this.#prove();
    await this.#begun.finish();
    if (isWritten) this.#say(operation.finished?.(this.#state.run()));
    await this.#leave();
  }

  /** Names what is left for a person to do; what may pass by itself is looked at anew for the operation's patience. */
  async #leave(): Promise<void> {
    const { operation } = this.#options;
    const left = await settled<LeftOver>({
      cluster: this.#cluster,
      ...(operation.patience === undefined ? {} : { patience: operation.patience }),
      objections: () => operation.leaves?.(this.#state.run()) ?? [],
      look: () => this.#state.look(),
    });
    this.#cluster.results.throwAll([...this.#state.leftByHand, ...left].map(objectionError));
  }

  async #breakOff(): Promise<void> {
    if (!this.#begun.isWritten) return;
    await this.#takes.goBack();
    await this.#state.recall();
    await this.#begun.breakOff(this.#state.run());
  }

  /** Fills in what must not change any more, unless that was begun. */
  #choose(): void {
    if (this.#options.chosen === undefined && !this.#begun.isWritten) this.#state.choose();
  }

  #say(text: string | undefined): void {
    if (text !== undefined) this.#emit({ type: 'note', text });
  }

  #announce(): void {
    const { operation, inventory, startUp } = this.#options;
    this.#emit({
      type: 'run-start',
      command: operation.name,
      cluster: inventory.cluster,
      hosts: this.#cluster.hosts.map(({ name }) => name),
      stages: [],
      ...(startUp === undefined ? {} : { startUp: { ...startUp, keysMs: this.#keysMs } }),
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
  async #foresee(): Promise<void> {
    for (;;) {
      const foreseen = this.#state.remaining();
      this.foreseen = this.#state.proposal(foreseen);
      const [step] = foreseen.steps;
      if (step === undefined || !('converge' in step)) return;
      const converging = await this.#takes.planned(step);
      if (converging.changes.length > 0) {
        this.foreseen = this.#state.proposal(foreseen, converging);
        return;
      }
      if (this.#state.isDone(step.id)) throw this.#stuck(step);
      this.#state.take(step.id);
    }
  }

  /** Takes step after step until none is left, the run is interrupted, or one fails. */
  async #steps(): Promise<void> {
    while (!this.#cluster.signal.aborted) {
      const foreseen = this.#state.remaining();
      const [step] = foreseen.steps;
      if (step === undefined) return;
      if (this.#state.isDone(step.id)) throw this.#stuck(step);
      this.#announceMore(foreseen);
      if (!(await this.#takes.take(step, foreseen))) return;
      this.#state.take(step.id);
      await this.#guard();
    }
  }

  /** Tells of steps that could not be foreseen at first. */
  #announceMore(foreseen: Foreseen): void {
    const steps = this.#state.proposal(foreseen).steps.filter(({ id }) => !this.#announced.has(id));
    if (steps.length === 0) return;
    for (const { id } of steps) this.#announced.add(id);
    this.#emit({ type: 'steps', steps });
  }

  /** Asks the guards; what may pass by itself is looked at anew for a while, of a converge step with what it would change. */
  async #guard(converging?: Converging): Promise<void> {
    const { operation } = this.#options;
    const cluster = this.#cluster;
    const left = await settled<OperationObjection>({
      cluster,
      ...(operation.patience === undefined ? {} : { patience: operation.patience }),
      objections: () => {
        const strangers = this.#strangers();
        return strangers.length > 0 ? strangers : (operation.guards?.(this.#state.run(converging?.changes)) ?? []);
      },
      look: async (found) => {
        if (converging !== undefined) return converging.planAgain();
        await cluster.connections.ask(this.#state.pass.shapes.confirmed);
        // What was chosen of members that were not up yet is chosen anew.
        if (found.some(({ settles }) => settles !== true)) this.#choose();
      },
    });
    cluster.results.throwAll(left.map((found) => objectionError({ ...found, hint: this.#begun.advice(found.hint) })));
  }

  /** Before its first step: members that the inventory does not have. */
  #strangers(): OperationObjection[] {
    if (this.#state.hasBegun) return [];
    const start = this.#state.run();
    return strangersObjections({ operation: this.#options.operation, start, roles: this.#roles, view: start.view });
  }

  async #prove(): Promise<void> {
    const { operation, inventory } = this.#options;
    const cluster = this.#cluster;
    this.checks = await settledChecks({
      cluster,
      checks: () => operation.checks?.(this.#state.run()) ?? [],
      look: () => this.#state.look(),
    });
    if (this.checks.length > 0) this.#emit({ type: 'checked', results: this.checks });
    cluster.results.throwAll(this.checks.filter(({ ok }) => !ok).map((check) => checkError(inventory, this.#advised(check))));
  }

  #advised(check: CheckResult): CheckResult {
    return check.mend === undefined ? check : { ...check, mend: this.#begun.advice(check.mend) };
  }

  #stuck(step: OperationStep): PgprovError {
    return new PgprovError({
      kind: 'operation/stuck',
      message: `the step "${step.title}" was carried out, and the cluster still needs it`,
      hint: `look at the cluster with ${pgprov`status ${this.#options.inventory}`}; the same command continues from what it finds`,
    });
  }
}
