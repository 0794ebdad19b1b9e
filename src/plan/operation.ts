import type { CheckResult, PlannedChange } from '../events.js';
import type { Secret } from '../lib/secret.js';
import type { Inventory } from '../model/index.js';
import type { Gate, Observation, Resource } from '../resources/resource.js';
import type { Renewal } from '../store/renewal.js';
import type { IssuedCertificate, RevokedCertificate } from '../store/revocations.js';
import type { Store } from '../store/store.js';
import type { RotationPhase } from '../store/trust.js';
import type { Objection, Role, RoleContext, Settling } from './role.js';
import type { SourceCluster } from './source-cluster.js';
import type { View } from './view.js';

/** A value of an option on the command line. */
export type OptionValue = string | number | boolean;

/** One option of an operation: its flag, its help and its completion come from here. */
export interface OptionSchema {
  type: 'string' | 'integer' | 'boolean';
  /** For `--help` and the reference. */
  description: string;
  /** What stands for the value in the usage, and what is completed: `host` gives names of hosts. Default: the type. */
  value?: string;
  /** Without one the option may be absent. */
  default?: OptionValue;
  /** What the whole value must match. */
  pattern?: string;
  /** What a value must be, in words that follow "must be", where it has a pattern. */
  expects?: string;
  minimum?: number;
  enum?: readonly string[];
  /**
   * It answers a question that the operation ends with before it is finished. So it may be given when an unfinished one goes on, whatever that was
   * begun with, and is then kept in its record. One that takes the operation back is the last word: no other answer is taken after it, and the
   * operation is not given up, because what it has moved would stay where it is.
   */
  answers?: true | 'takes-back';
  /** What was begun with it is not taken back. */
  final?: true;
}

/** The options of an operation by the names that its functions see; `leaveOut` is `--leave-out` on the command line. */
export type OptionSchemas = Readonly<Record<string, OptionSchema>>;

/** A word between an operation's name and the inventory: `replication` in `pgprov secrets rotate replication INVENTORY`. */
export interface OperationArgument {
  /** The option that it is for the operation's functions. */
  name: string;
  /** For `--help`. */
  description: string;
}

/** What the cluster's store on the control machine says, where operations decide by it. */
export interface KeptFacts {
  authority: {
    /** PEM of the authority that issues; undefined before the first `apply`. */
    certificate: string | undefined;
    /** How far its rotation is; undefined: none is under way. */
    phase: RotationPhase | undefined;
    /** Whether the key is there with which it signs. */
    signs: boolean;
    /** By host, which may be gone: the certificates that it signed, as far as that is known, and that are good yet; the present one last. */
    issued: ReadonlyMap<string, readonly IssuedCertificate[]>;
    /** What is accepted no more. */
    revoked: readonly RevokedCertificate[];
  };
  /** Where the inventory may give the passwords that are kept there, such as `replication.password`. */
  passwords: readonly string[];
  /** The change of a password that is under way: where the inventory may give it, and both values. */
  rotation: { path: string; from: Secret; to: Secret } | undefined;
  /** The snapshots of the cluster that can be read, the newest first; absent where the operation does not ask for them. */
  snapshots?: readonly KeptSnapshot[];
}

/** A snapshot that was taken before. */
export interface KeptSnapshot {
  file: string;
  /** When it was taken, ISO 8601. */
  at: string;
  /** Contents of the files that were asked for, by their paths in it. */
  files: ReadonlyMap<string, Buffer>;
}

/** What an operation knows before any host is connected to. */
export interface OperationStart<Options> {
  readonly inventory: Inventory;
  readonly options: Options;
  /** Every role there is. */
  readonly catalog: readonly Role[];
  readonly kept: KeptFacts;
  /** Names of the hosts that `--host` and `--group` chose; undefined: none of the two was given. */
  readonly chosenHosts: readonly string[] | undefined;
  /** The other cluster, where the operation takes one. */
  readonly source?: SourceCluster;
  /** What the inventory says as it is written, for one that `aims`. */
  readonly written?: Written;
}

/** An inventory as it is written, without what an operation aims at. */
export interface Written {
  hosts: Inventory['hosts'];
  /** What the operation aims at is written there in a way in which pgprov can change it. */
  takes: boolean;
}

/** One thing that the inventory is to say. */
export interface InventoryEdit {
  /** Where: `['postgresql', 'version']`, `['hosts', 'pg3', 'absent']`. */
  path: readonly [string, ...string[]];
  /** undefined: nothing any more; of the topmost keys alone. */
  value: number | string | boolean | undefined;
  /** It is left as it is where it says another value than this one now. */
  only?: string;
}

/** A value that an operation has the inventory say, in a section of it. */
export interface Aim extends InventoryEdit {
  path: readonly [string, string];
  value: number | string;
}

/** What an operation decides from: what was seen last, and what was chosen. */
export interface OperationRun<Options> extends OperationStart<Options> {
  readonly view: View;
  /** Ids of the steps that this command has carried out. What was done before it is in what is seen. */
  readonly done: ReadonlySet<string>;
  /** An earlier command began it. */
  readonly resumed?: true;
  /** The inventory could not be written, and a person has to do it. */
  readonly leftByHand?: true;
  /** What the converge step at hand would change, while its guards are asked; undefined otherwise. */
  readonly planned: readonly PlannedChange[] | undefined;
  /** A host that takes part has a database. */
  readonly holdsData: boolean;
  /** @throws RangeError for a host whose system is not known, because it has not answered */
  contextOf(host: string): RoleContext;
}

/** Why an operation must not begin or continue. */
export interface OperationObjection extends Omit<Objection, 'kind' | 'settles'> {
  /** As for roles; `input` (exit 2): what was given does not fit; `unreachable` (exit 3): a host that it cannot do without did not answer. */
  kind: Objection['kind'] | 'input' | 'unreachable';
  /** The kind of its error, such as `certs/unhealthy`; default: by the kind of the objection. */
  error?: string;
  /** As for roles; and `true`: it may pass by itself, so it is looked at for the operation's `patience` before it counts. */
  settles?: Settling | true;
}

/** What an operation that is over leaves for a person to do. */
export type LeftOver = OperationObjection & { kind: 'preflight' | 'unreachable' };

/** What every step says of itself. */
export interface StepWords {
  /** Unique in the operation, e.g. `hand-over`; with a host's name where there is one a host: `restart-pg2`. */
  id: string;
  /** For people, with the hosts' names: `hand the lead from pg1 to pg2`. */
  title: string;
  /** What clients notice of it, as a clause: `writes fail for some seconds`. */
  effect?: string;
  /** After it the operation cannot be taken back; all that can fail has been checked before. */
  pointOfNoReturn?: true;
  /** A sentence that is told when it begins. */
  tells?: string;
}

/** A step on one host, or on several side by side. */
export interface HostStep extends StepWords {
  /** Hosts by their inventory names. */
  on: readonly string[];
  /** What is changed there, in this order; default: nothing, the step waits for its gates. */
  resources?(context: RoleContext): readonly Resource[];
  /** What must come true on each of the hosts before the step is over. */
  gates?(context: RoleContext): readonly Gate[];
  /**
   * How long no write succeeds in the cluster is measured from right before the step until a write succeeds after it, and reported: every
   * connected host with a database commits something about every 100 ms that leaves no trace. `until`: the id of a later step, after which a write is
   * waited for.
   */
  measuresWriteGap?: true | { until: string };
  /** What its hosts change belongs together (`coordinated`): those that wait for a change begin before the host that makes it. */
  together?: true;
  /** Its gates wait for what goes on by itself, maybe for hours: other runs may change the host meanwhile. Not beside `resources`. */
  onlyWatches?: true;
  /** With `back`: it puts right what hinders others, and what the operation has begun is as unfinished as before. */
  tidiesUp?: true;
  /** What it changes is in nobody's way and stays where the operation ends early, which has begun nothing by it. */
  preparesOnly?: true;
  /**
   * It follows the step before it at once, for what somebody waits for: hosts are not looked at nor guards asked in between, and only what the step
   * itself needs is asked. So it must not depend on what the step before it changes, but for what its gates and resources ask themselves.
   */
  atOnce?: true;
  /** Who leads when it is over, where it hands the lead over. */
  leads?: string;
  /** What is asked of each of the hosts in this step alone; the answers stay in what is seen. */
  asks?(context: RoleContext): readonly Observation[];
}

/**
 * A step that brings what some roles want to the hosts, as `apply` does: looks, plans, carries out, proves. With an empty plan it is done.
 */
export interface ConvergeStep extends StepWords {
  /** The hosts that it is shown for, where it is known which ones it changes; default: all. */
  changes?: readonly string[];
  converge: {
    roles: readonly string[];
    /** Which certificates are made anew, and what becomes of the authority; default: those that must be. */
    renewal?: Renewal;
    /**
     * Only stages with proofs are carried out, on all hosts side by side: where no member can work before the others have what
     * it brings. Nothing is proved then, so another step has to do that.
     */
    crossing?: 'all-at-once';
    /** It is carried out with an empty plan as well, for its proofs. */
    proves?: true;
    /** Only what is said of these hosts, or of none, speaks against it or its outcome: others may be in no good order. Default: all. */
    answersFor?: readonly string[];
    /** Hosts that it is planned, carried out and proved without, as if the inventory had them no more. */
    without?: readonly string[];
    /** Other hosts that are absent in the inventory may be members yet, which a later operation takes out. */
    leavesAbsent?: true;
  };
}

/** What a step on the control machine works with, under the local lock. */
export interface Desk {
  /** Opened for the step, writable. */
  store: Store;
  /** Gives a name in a store of secrets, as the inventory refers to it, another value. */
  put(reference: { age: string; key: string }, value: Secret): Promise<void>;
  /**
   * Has the inventory's file say something else, and all else in it, comments included, as it is.
   * @param byHand what a person has to do where the file cannot be written, or is written in a way in which only a person can change it: it is told at
   * the end, with exit code 1; default: then the step fails
   */
  write(edits: readonly InventoryEdit[], byHand?: string): Promise<void>;
}

/** A step on the control machine alone. */
export interface DeskStep extends StepWords {
  atDesk(desk: Desk): Promise<void>;
}

/** A step that saves what there is into a file on the control machine. Hosts are asked and never changed, so nobody has to agree to it. */
export interface SnapshotStep extends StepWords {
  snapshot: {
    /** A file that is not there yet; default: one in the cluster's store. */
    to?: string | undefined;
  };
}

/** One step of an operation. */
export type OperationStep = HostStep | ConvergeStep | DeskStep | SnapshotStep;

/** What is left to do, as far as it can be told from what is seen. */
export interface Foreseen {
  /** In order. The first is carried out; then the cluster is looked at, and asked anew. */
  steps: readonly OperationStep[];
  /**
   * What comes after them and cannot be foreseen, as a sentence without its full stop: `then pg_controldata says which host starts first`.
   */
  then?: string;
}

/** What an operation that was cut off may have left on hosts in the way of others, and that giving it up puts right. */
export interface Hindrance<Options extends object> {
  /** The role whose hosts may have it; undefined: what was chosen leaves nothing. */
  role(start: Pick<OperationStart<Options>, 'inventory' | 'options'>): string | undefined;
  /** Any of the hosts can put it right, so that the others need not answer; default: each has its own. */
  fromAny?: true;
  /** What puts it right on the hosts that answered; asked until there is none. */
  steps(run: OperationRun<Options>): readonly HostStep[];
  /** What becomes of it on hosts that did not answer, as a sentence; undefined: all did, or the one that it takes. */
  unasked(run: OperationRun<Options>): string | undefined;
}

/**
 * Something that is done to a cluster once and is no desired state: a switchover, a restart, a renewal. The next step follows
 * from what is seen, never from a list that was begun, so an operation that was killed is finished by the same command.
 */
export interface Operation<Options extends object = object> {
  /** How it is called: `switchover`; of two words, the first is a group of commands that there is: `certs renew`. */
  name: string;
  /** For `--help`, in one line. */
  description: string;
  options: OptionSchemas;
  /** Options as a person gives them on the command line, a word each, where these are not the flags of `options`. */
  typed?(options: Options): string[];
  argument?: OperationArgument;
  /**
   * What the inventory is to say once it is over. The operation works with an inventory that says so already, as with `--set`.
   * @param options as given, over what an unfinished one has chosen
   */
  aims?(options: Options): Aim | undefined;
  /**
   * It takes two inventories: `--into` names the cluster that it changes, and the inventory of every operation another one, of which it only
   * reads what this machine has.
   */
  takesSource?: true;
  /** The host of the other cluster in whose name it needs a key pair of some days; undefined: none. */
  sourceClient?(source: Inventory): string | undefined;
  /** The inventory that it goes by, where that is not the one that there is: it may be about a host that is absent there. Default: the same. */
  inventory?(inventory: Inventory, options: Options): Inventory;
  /** It has `--host` and `--group`, and knows what to do with them. */
  choosesHosts?: true;
  /** Roles whose hosts take part; their observations, and those that they need on the same host, are what is seen. */
  roles: readonly string[] | ((start: Pick<OperationStart<Options>, 'catalog' | 'inventory' | 'options'>) => readonly string[]);
  /** It knows servers that stream without Patroni; default: it refuses a cluster of these before it connects to any host. */
  streaming?: true;
  /** Refuse while `apply` would change something; default: true. */
  requiresConverged?: boolean;
  /**
   * What becomes of hosts that do not answer; default: `refuse`. With `go-on` they are absent from what is seen, and so they are with `tell`, after
   * which it ends with exit code 3 all the same.
   */
  unreachable?: 'refuse' | 'go-on' | 'tell';
  /** It stops members, which nothing else may start before it is over: what is seen of them while it is unfinished is its doing. */
  holdsMembers?: true;
  /** What the roles ask for commands about certificates is asked as well. */
  inspects?: true;
  /** Seconds for which objections that may pass by themselves are looked at anew; default 0. */
  patience?: number;
  /**
   * What it has begun is in the cluster's store, where `apply` continues it, or goes on by itself on the hosts; so no record of it blocks other
   * runs.
   */
  keptInStore?: true;
  /**
   * It only asks: it takes no lock, leaves no record, is held up by no unfinished operation, and has neither `--check` nor a question. What of a
   * host could not be seen does not keep it from the others.
   */
  changesNothing?: true;
  /** It decides by earlier snapshots as well: the paths of the files in them that it wants. */
  readsSnapshots?: readonly string[];
  /** More that is asked of every host, at the start and after each step; the options are as given, or as an unfinished operation chose them. */
  observations?(context: RoleContext, start: Pick<OperationStart<Options>, 'chosenHosts' | 'options' | 'source'>): Observation[];
  /** What speaks against it before any host is connected to. */
  problems?(start: OperationStart<Options>): OperationObjection[];
  /**
   * With `keptInStore`: that it resumes what was begun, as a sentence that is printed; undefined: it begins. What was begun was
   * agreed to, so nobody is asked again, and the cluster need not be as the inventory says.
   */
  goesOn?(start: OperationStart<Options>): string | undefined;
  /** Why it must not begin, or continue; asked before every step, and when a converge step has been planned. */
  guards?(run: OperationRun<Options>): OperationObjection[];
  /**
   * It goes on beside a member that the cluster has and the inventory has not: any (`true`), or one of that name (see `Role.strangers`), because it
   * mends just that, or harms nobody by it and must be possible in an emergency. `true` has it go on with a store that does not know all that the
   * cluster has, too (see `Role.outdated`). Default: none, and it changes nothing.
   */
  bears?: true | ((start: Pick<OperationStart<Options>, 'inventory' | 'options'>, name: string) => boolean);
  /** What must not change in mid-air, filled in before the first step and kept in the operation's record; default: the options as given. */
  choose?(run: OperationRun<Options>): Options;
  /** What is left to do. Pure; asked after every step. */
  remaining(run: OperationRun<Options>): Foreseen;
  /**
   * With the first step that is left it puts things back as they were, where the operation ends early: a step failed, or it was interrupted. Asked
   * until it has none, of what was seen last of the hosts that still answer, unless this command has begun a step without a way back.
   */
  back?(run: OperationRun<Options>): readonly HostStep[];
  /** Where it may leave on hosts what hinders others when it is cut off: how that is put right when it is given up. */
  hinders?: Hindrance<Options>;
  /** What a person is asked, without the mark for yes and no; default: whether it may be carried out. */
  question?(run: OperationRun<Options>): string | undefined;
  /** What is said when nothing had to be done, as a sentence. */
  nothing?(run: OperationRun<Options>): string | undefined;
  /** Asked when nothing is left: is the cluster as the operation is to leave it? */
  checks?(run: OperationRun<Options>): CheckResult[];
  /** What is said when it is done, as a sentence. */
  finished?(run: OperationRun<Options>): string | undefined;
  /**
   * What it leaves for a person to do once it is over, each with the command that does it; asked last, in a run that had nothing to do, too. The run
   * then ends with exit code 3 where that is only a host that did not answer (`unreachable`), else with 1, and no record of it stays.
   */
  leaves?(run: OperationRun<Options>): LeftOver[];
  /** With an option `json`: what is printed as JSON in the place of the report; undefined: nothing came of it. */
  answer?(run: OperationRun<Options>): object | undefined;
  /**
   * Says, as a sentence, what becomes of an operation that ends before it is finished, and takes back what nobody has heard of; undefined: nothing
   * is to be said.
   * @param touched a host was changed, or may have been
   */
  broken?(run: OperationRun<Options>, end: { touched: boolean; desk: Desk }): Promise<string | undefined>;
}

/** Names an operation; gives types to its literal. */
export function defineOperation<Options extends object>(operation: Operation<Options>): Operation<Options> {
  return operation;
}
