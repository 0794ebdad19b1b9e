import type { PlannedChange } from '../events.js';
import { selectedRoles } from '../plan/selection.js';
import type { ConvergeStep, Operation } from '../plan/operation.js';
import type { Role, RoleContext, RunScope } from '../plan/role.js';
import type { Observation } from '../resources/resource.js';
import type { Renewal } from '../store/renewal.js';
import type { Store } from '../store/store.js';
import { clusterWithout, type Cluster } from './cluster.js';
import { Pass, type Proposal } from './pass.js';

/** Opens the cluster's store as it is now. */
export type OpenStore = (options: { writable: boolean; renewal?: Renewal }) => Promise<Store>;

/** What a converge step is carried out with. */
export interface ConvergingOptions {
  cluster: Cluster;
  step: ConvergeStep;
  operation: Pick<Operation, 'name' | 'inspects'>;
  /** What the operation has asked of every host. */
  more?(context: RoleContext): Observation[];
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  openStore: OpenStore;
  /** Only plan: nothing is made or written down on the control machine. */
  check: boolean;
}

/** A converge step on a cluster that is connected: a pass that is planned, and then carried out, unless it has nothing to do. */
export class Converging {
  readonly #options: ConvergingOptions;
  #pass: Pass;

  private constructor(options: ConvergingOptions, pass: Pass) {
    this.#options = options;
    this.#pass = pass;
  }

  /** Looks at the hosts, and plans. What is made for them is not written down before it is carried out. */
  static async planned(options: ConvergingOptions): Promise<Converging> {
    const pass = await lookedAt(options);
    await pass.plan();
    return new Converging(options, pass);
  }

  /** The pass with what was seen last. */
  get pass(): Pass {
    return this.#pass;
  }

  get proposal(): Proposal {
    return this.#pass.proposal;
  }

  get changes(): readonly PlannedChange[] {
    return this.#pass.proposal.changes;
  }

  /** Looks and plans once more, because what keeps the step from being carried out may have passed. */
  async planAgain(): Promise<void> {
    await this.#pass.look();
    await this.#pass.plan({ silently: true });
  }

  /**
   * Carries out what was planned. All at once, it was planned as an ordinary pass first, so that nothing which that would refuse is done.
   */
  async carryOut(): Promise<void> {
    const {
      cluster: { emit },
      step,
      operation,
    } = this.#options;
    const { crossing } = step.converge;
    if (crossing !== undefined) {
      this.#pass = await lookedAt(this.#options, crossing);
      await this.#pass.plan({ silently: true });
    }
    emit({ type: 'stages', step: `${operation.name}/${step.id}`, stages: this.#pass.planned() });
    await this.#pass.carryOut();
  }
}

/** Which part of what the cluster has a pass of these roles is about. */
export function partOf({ hosts }: Cluster, roles: readonly Role[]): RunScope {
  return { hosts: new Set(hosts.map(({ name }) => name)), roles: new Set(roles.map(({ name }) => name)) };
}

async function lookedAt(
  { cluster: whole, step, operation, more, catalog, openStore, check }: ConvergingOptions,
  crossing?: 'all-at-once',
): Promise<Pass> {
  const { roles, renewal, answersFor, without = [], leavesAbsent = false } = step.converge;
  const cluster = clusterWithout(whole, without, { leavesAbsent });
  const { inspects = false } = operation;
  const aimed = selectedRoles(catalog, { roles });
  const store = await openStore({ writable: !check, ...(renewal === undefined ? {} : { renewal }) });
  const pass = new Pass({
    cluster,
    store,
    catalog,
    roles: aimed,
    part: partOf(cluster, aimed),
    thorough: false,
    inspects,
    crossing,
    answersFor,
    ...(more === undefined ? {} : { more }),
  });
  await pass.recall();
  await pass.look();
  return pass;
}
