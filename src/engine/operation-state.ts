import type { PlannedChange } from '../events.js';
import { holdsData } from '../plan/plan.js';
import type { HostWork } from '../plan/host-work.js';
import type { Foreseen, LeftOver, OperationRun, OperationStart } from '../plan/operation.js';
import type { RoleContext } from '../plan/role.js';
import type { Cluster } from './cluster.js';
import type { Converging } from './converging.js';
import type { OperateOptions, OperationProposal } from './operate-options.js';
import { factsOf, moreOf } from './operation-start.js';
import type { Pass } from './pass.js';
import { foreseenSteps } from './shown-steps.js';

/** What an operation's state is made from. */
export interface OperationStateParts<Options extends object> {
  options: OperateOptions<Options>;
  start: OperationStart<Options>;
  cluster: Cluster;
  /** What was looked with last. */
  pass: Pass;
}

/** What an operation decides from: what was seen last of the hosts and of the store, what was chosen, and which steps were carried out. */
export class OperationState<Options extends object> {
  pass: Pass;
  /** What a person has to write, because pgprov could not. */
  readonly leftByHand: LeftOver[] = [];
  readonly #options: OperateOptions<Options>;
  readonly #cluster: Cluster;
  readonly #done = new Set<string>();
  #start: OperationStart<Options>;
  #chosen: Options;

  constructor({ options, start, cluster, pass }: OperationStateParts<Options>) {
    this.#options = options;
    this.#start = start;
    this.#cluster = cluster;
    this.#chosen = options.chosen ?? options.given;
    this.pass = pass;
  }

  /** What must not change any more once a step was taken. */
  get chosen(): Options {
    return this.#chosen;
  }

  /** Fills in what must not change, by what was seen last. */
  choose(): void {
    const { operation, given } = this.#options;
    this.#chosen = given;
    this.#chosen = operation.choose?.(this.run()) ?? given;
  }

  /** What is asked of every host besides what the roles ask. */
  get more(): ReturnType<typeof moreOf> {
    return moreOf(this.#options.operation, this.#start);
  }

  isDone(step: string): boolean {
    return this.#done.has(step);
  }

  /** A step was carried out by this command. */
  get hasBegun(): boolean {
    return this.#done.size > 0;
  }

  /** Notes a step as carried out. */
  take(step: string): void {
    this.#done.add(step);
  }

  /** What the functions of the operation get. */
  run(planned?: readonly PlannedChange[]): OperationRun<Options> {
    const view = this.#cluster.view();
    return {
      ...this.#start,
      options: this.#chosen,
      view,
      done: this.#done,
      ...(this.#options.chosen === undefined ? {} : { resumed: true as const }),
      ...(this.leftByHand.length === 0 ? {} : { leftByHand: true as const }),
      planned,
      holdsData: holdsData(this.#options.catalog, view),
      contextOf: (host) => this.contextOf(host),
    };
  }

  /** What is left to do, by what was seen last. */
  remaining(): Foreseen {
    return this.#options.operation.remaining(this.run());
  }

  /** @throws RangeError for a host that takes no part, or whose system is not known */
  contextOf(name: string): RoleContext {
    const host = this.#options.inventory.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new RangeError(`${name} is no host of the operation`);
    return this.pass.shapes.contextOf(host);
  }

  /** What is asked of a host. */
  observationsOf(host: string): HostWork['observations'] {
    return this.pass.shapes.confirmed.get(host)?.observations ?? [];
  }

  /** Looks at all hosts anew. */
  async look(): Promise<void> {
    const { connections } = this.#cluster;
    const shapes = [...connections.sessions.keys()].map((host): [string, HostWork] => [
      host,
      { observations: this.observationsOf(host), stages: [] },
    ]);
    await connections.ask(new Map(shapes));
  }

  /** Reads again what the store says. */
  async recall(): Promise<void> {
    const { operation, openStore } = this.#options;
    this.#start = { ...this.#start, kept: await factsOf(operation, await openStore({ writable: false }), this.#start.kept) };
  }

  /** What is about to be done, as it is shown to a person. */
  proposal({ steps, then }: Foreseen, converging?: Converging): OperationProposal {
    const { operation } = this.#options;
    const all = this.#cluster.hosts.map(({ name }) => name);
    const run = this.run();
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
}
