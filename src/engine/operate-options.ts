import type { CheckResult, EventListener, ForeseenStep, PlannedChange, StartUp } from '../events.js';
import type { ClusterStatus } from '../lib/cluster-status.js';
import type { Inventory } from '../model/index.js';
import type { Desk, InventoryEdit, Operation, Written } from '../plan/operation.js';
import type { Role } from '../plan/role.js';
import type { SourceCluster } from '../plan/source-cluster.js';
import type { View } from '../plan/view.js';
import type { Transport } from '../transport/transport.js';
import type { ClusterEnd } from './cluster.js';
import type { OpenStore } from './converging.js';

/** What an operation is carried out with. */
export interface OperateOptions<Options extends object> {
  operation: Operation<Options>;
  inventory: Inventory;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  /** The other cluster, for an operation that takes one. */
  source?: SourceCluster;
  /** As they were given; those of an unfinished operation where it is resumed. */
  given: Options;
  /** Names of the hosts that `--host` and `--group` chose; undefined: all. */
  chosenHosts?: readonly string[];
  /** What an unfinished operation had chosen; undefined: nothing is under way. */
  chosen?: Options;
  /** Only show what would be done. */
  check: boolean;
  transport: Transport;
  openStore: OpenStore;
  /** Gives a name in a store of secrets another value. */
  putSecret: Desk['put'];
  /**
   * Has the inventory's file say something else.
   * @throws InputError where it is written in a way in which a person has to do it
   */
  editInventory(edits: readonly InventoryEdit[]): Promise<void>;
  /** The inventory as it is written, for an operation that aims at another. */
  written?: Written;
  emit: EventListener;
  /** Aborting lets the step under way end and starts no more. */
  signal: AbortSignal;
  /** Where the time before it went, for those who ask. */
  startUp?: Omit<StartUp, 'keysMs'>;
  /**
   * Asked once, before the first step that has anything to do; throws when it must not be taken. Gives the milliseconds that a person took
   * to agree, undefined where nobody was asked.
   */
  consent?(proposal: OperationProposal): Promise<number | undefined>;
  /** Writes down what was chosen, before the first step. */
  begin(chosen: Options): Promise<void>;
  /** Forgets what was chosen: nothing was done, or everything. */
  end(): Promise<void>;
  /** Tells what was seen of the cluster. */
  describe?(view: View): Omit<ClusterStatus, 'dynamic'>;
}

/** What an operation is about to do. */
export interface OperationProposal {
  steps: readonly ForeseenStep[];
  then?: string;
  /** What the first step would change and what it means for services, where it is a converge step. */
  plan?: { changes: readonly PlannedChange[]; effects: readonly string[]; hosts: readonly string[] };
  /** A host that takes part has a database. */
  holdsData: boolean;
  /** What a person is asked; undefined: whether the operation may be carried out. */
  question?: string;
  /** What is said when there is nothing to do. */
  nothing?: string;
}

/** How an operation ended. */
export interface OperateOutcome extends ClusterEnd {
  /** What was foreseen before the first step; undefined when it never came to that. */
  foreseen: OperationProposal | undefined;
  checks: readonly CheckResult[];
  /** What the operation answers with; undefined where it gives no answers, or nothing came of it. */
  answer: object | undefined;
}
