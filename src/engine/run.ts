import type { CheckResult, EventListener, StartUp } from '../events.js';
import type { ClusterStatus } from '../lib/cluster-status.js';
import type { ExitCode, PgprovError } from '../lib/errors.js';
import { formatProblem, type Inventory } from '../model/index.js';
import { selectedHosts, selectedRoles, type Selection } from '../plan/selection.js';
import type { Role, RoleContext } from '../plan/role.js';
import type { View } from '../plan/view.js';
import type { Observation } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import type { Transport } from '../transport/transport.js';
import { withCluster, type Cluster } from './cluster.js';
import { NOTHING_PLANNED, Pass, type Proposal } from './pass.js';

export type { Proposal } from './pass.js';

/** What a run is given. */
export interface RunOptions {
  inventory: Inventory;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  selection: Selection;
  /** `survey` and `plan` only look; `apply` also changes. */
  mode: 'survey' | 'plan' | 'apply';
  /** Take also hosts of systems that pgprov was not tested on; default: only those that an earlier run was allowed to change. */
  allowUntested?: boolean;
  /** Ask what the roles ask for commands about certificates as well. */
  inspects?: boolean;
  /** More that is asked of every host. */
  observations?(context: RoleContext): Observation[];
  transport: Transport;
  store: Store;
  emit: EventListener;
  /** Aborting lets steps under way end and starts no more. */
  signal: AbortSignal;
  /** Where the time before the run went, for those who ask. */
  startUp?: Omit<StartUp, 'keysMs'>;
  /**
   * Asked before the first change of an apply that has any; throws when it must not continue. Gives the milliseconds that a person took to
   * agree, undefined where nobody was asked. After an answer the hosts are looked at again, and it is asked with what is seen then.
   */
  consent?(proposal: Proposal): Promise<number | undefined>;
  /** Called before an apply carries out what it has planned, also when that is nothing. */
  begin?(): Promise<void>;
  /** Tells what the run saw of the cluster; not asked when the hosts were not all looked at. */
  describe?(view: View): Omit<ClusterStatus, 'dynamic'>;
}

/** How a run ended. */
export interface RunOutcome {
  exitCode: ExitCode;
  errors: readonly PgprovError[];
  /** What was planned. */
  proposal: Proposal;
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
  #pass: Pass | undefined;
  #planned = false;
  #view: View | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#roles = selectedRoles(options.catalog, options.selection);
  }

  async go(): Promise<RunOutcome> {
    const { inventory, catalog, selection, mode } = this.#options;
    const names = selectedHosts(inventory, catalog, selection);
    const hosts = inventory.hosts.filter(({ name }) => names.includes(name));
    const unreachable = mode === 'survey' ? 'go-on' : 'refuse';
    const end = await withCluster(
      { ...this.#options, hosts, unreachable, leavesOut: true, locks: mode === 'apply' },
      (cluster) => this.#work(cluster),
      (cluster) => this.#leave(cluster),
    );
    return {
      ...end,
      proposal: this.#pass?.proposal ?? NOTHING_PLANNED,
      view: this.#view,
      checks: this.#pass?.checks ?? [],
      notices: this.#pass?.notices ?? [],
    };
  }

  async #work(cluster: Cluster): Promise<void> {
    const { selection, catalog, store, mode, inspects = false, observations, begin } = this.#options;
    const began = Date.now();
    const isWhole = selection.hosts === undefined && selection.roles === undefined;
    const part = { hosts: new Set(cluster.hosts.map(({ name }) => name)), roles: new Set(this.#roles.map(({ name }) => name)) };
    const pass = new Pass({
      cluster,
      store,
      catalog,
      roles: this.#roles,
      thorough: mode === 'survey',
      inspects,
      ...(observations === undefined ? {} : { more: observations }),
      ...(isWhole ? {} : { part }),
    });
    this.#pass = pass;
    await pass.recall();
    this.#announce(cluster, pass, Date.now() - began);
    await cluster.connections.connect();
    await pass.look();
    if (mode === 'survey') return pass.seeDrift();
    const proposal = await pass.plan();
    this.#planned = true;
    // Told to end before anything was begun, it begins nothing.
    if (mode === 'plan' || cluster.signal.aborted) return;
    await this.#agree(cluster, pass, proposal);
    await begin?.();
    await pass.carryOut();
  }

  /** Hosts may have changed while a person thought, so what is carried out is planned from what they are after the answer. */
  async #agree(cluster: Cluster, pass: Pass, proposal: Proposal): Promise<void> {
    const ms = proposal.changes.length === 0 ? undefined : await this.#options.consent?.(proposal);
    if (ms === undefined) return;
    cluster.answered(ms);
    await pass.look();
    await this.#agree(cluster, pass, await pass.plan({ silently: true }));
  }

  #announce({ hosts }: Cluster, pass: Pass, keysMs: number): void {
    const { inventory, emit, mode, startUp } = this.#options;
    const { leftOut } = pass;
    emit({
      type: 'run-start',
      command: mode,
      cluster: inventory.cluster,
      hosts: hosts.map(({ name }) => name),
      stages: pass.foreseen(),
      ...(startUp === undefined ? {} : { startUp: { ...startUp, keysMs } }),
      ...(leftOut === undefined ? {} : { leftOut }),
    });
    for (const warning of inventory.warnings) emit({ type: 'warning', text: formatProblem(warning) });
  }

  /** Tells how the cluster is; what was seen last stays when the connections are gone. */
  #leave(cluster: Cluster): void {
    const { describe, emit, mode } = this.#options;
    if (cluster.connections.sessions.size > 0) this.#view = cluster.view();
    if (describe === undefined || this.#pass?.looked !== true) return;
    emit({ type: 'cluster', status: describe(cluster.view()), afterwards: mode === 'plan' ? this.#planned : this.#pass.proved });
  }
}
