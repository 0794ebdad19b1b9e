import type { ClusterStatus } from './lib/cluster-status.js';
import type { DoctorAnswer } from './lib/finding.js';
import type { ExitCode, PgprovError } from './lib/errors.js';

/** How one host's part of a stage ended. */
export type StepResult = 'ok' | 'changed' | 'failed' | 'skipped';

/** A stage as a report announces it, known before the first connection. */
export interface StageShape {
  /** Unique in a run, e.g. `etcd/start`. */
  id: string;
  role: string;
  title: string;
  hosts: readonly string[];
}

/** One change of a plan. */
export interface PlannedChange {
  host: string;
  stage: string;
  /** Resource id, e.g. `file:/etc/hosts`. */
  resource: string;
  action: string;
  summary: string;
  /** It rests on something that an earlier change of this plan makes. */
  projected: boolean;
  /** Texts for a unified diff; secrets in them are masked already. */
  before?: string;
  after?: string;
}

/** What became of one host. */
export interface HostRecap {
  host: string;
  ok: number;
  changed: number;
  failed: number;
  skipped: number;
  /** Things to know or do, e.g. a pending restart. */
  remarks: string[];
}

/** One proof that the cluster is what was asked for. */
export interface CheckResult {
  title: string;
  ok: boolean;
  /** What was seen. */
  detail: string;
  host?: string;
  /** What to do about it; default: to look at the cluster. */
  mend?: string;
  /** It may come to hold by itself, as where a server is just restarting, so it is looked at for a while before it counts as failed. */
  settles?: true;
}

/** Something in force on a host that is not as the inventory says, and that no change of a run would put right. */
export interface Drift {
  host: string;
  /** `work_mem is 8MB, which ALTER SYSTEM has set; the inventory says 64MB` */
  what: string;
  /** What a person can do about it: the command, where there is one. */
  mend: string;
  /** It is nothing wrong: a restart will bring what the inventory says. */
  waits?: true;
  /** It contradicts nothing that the inventory says, and whoever made it may have meant it: `status` shows it, and it is no problem. */
  allowed?: true;
  /** The setting of Patroni's dynamic configuration that it is about, with its value in JSON: `member_slots_ttl "0s"`. */
  setting?: string;
}

/** What went before a run, in milliseconds that do not overlap. */
export interface StartUp {
  /** From the start of the process: reading the program and the inventory. */
  processMs: number;
  /** Until a person had answered questions that come before the run, such as one for a passphrase. */
  askMs?: number;
  /** Making or finding keys, certificates and passwords. */
  keysMs: number;
}

/** Where the time of a look at a host went, in milliseconds, by the arrival of the answers. */
export interface LookTimes {
  /** Outside of any probe, most of it before the first: opening a channel, becoming root, locks, questions that probes share. */
  overheadMs: number;
  /** The probes that took a millisecond or more. */
  probes: readonly { id: string; ms: number }[];
}

/** A part of a run outside of stages that each host goes through by itself. */
export type HostPhase = 'connect' | 'survey' | 'survey-again';

/** What a run of a part of the cluster leaves out. */
export interface LeftOut {
  hosts: readonly string[];
  /** Roles that some host has. */
  roles: readonly string[];
}

/** The first event of a run: what it will do, to which hosts. */
export interface RunStart {
  type: 'run-start';
  /** `apply`, `plan`, `survey`, or the name of an operation. */
  command: string;
  cluster: string;
  hosts: readonly string[];
  stages: readonly StageShape[];
  startUp?: StartUp;
  /** Absent when the run selects everything. */
  leftOut?: LeftOut;
  /** Id of its journal, for `pgprov runs show`; absent when none is kept. */
  run?: string;
  /** The command that continues it where it is interrupted: `pgprov apply inventory.yml --resume`. */
  again?: string;
}

/** A connection to a host is being made. */
export interface Connecting {
  type: 'connecting';
  host: string;
}

/** A host let us in. */
export interface Connected {
  type: 'connected';
  host: string;
  /** How long the run waited for it; connections are begun while the stages are worked out. */
  ms: number;
  /** Of `ms`, how long it waited for its turn, since handshakes are capped. */
  queuedMs?: number;
}

/** A host has answered all questions. */
export interface Surveyed {
  type: 'surveyed';
  host: string;
  ms: number;
  times?: LookTimes;
}

/** Something that may go wrong, or did without harm to the run. */
export interface Warning {
  type: 'warning';
  text: string;
  host?: string;
}

/** Something to know, such as what a host says while it is waited for. */
export interface Note {
  type: 'note';
  text: string;
  host?: string;
  /** Stage id. */
  stage?: string;
  /** It is of use after the run too: where something was saved. */
  lasts?: true;
}

/** What a host is at. */
export interface UnderWay {
  host: string;
  /** Stage id; absent where the host is only connected to or looked at. */
  stage?: string;
}

/** The run was told to end: it finishes what is under way and begins nothing new. */
export interface Interrupted {
  type: 'interrupted';
  /** `interrupted`, by Ctrl-C or SIGTERM; `the terminal was closed`. */
  how: string;
  /** What has to be finished. */
  underWay: readonly UnderWay[];
}

/** The run was told a second time, and ends without waiting for what is under way. The hosts finish it by themselves. */
export interface Left {
  type: 'left';
  /** What the hosts are still at. */
  underWay: readonly UnderWay[];
  /** The command that waits for that and continues; absent where nothing had begun. */
  again?: string;
}

/** What differs from the inventory, before anything is changed. */
export interface Planned {
  type: 'planned';
  changes: readonly PlannedChange[];
  /** What it means for services, a sentence each. */
  effects: readonly string[];
  /** What is not as the inventory says and stays so; left out where there is nothing. */
  drift?: readonly Drift[];
}

/** One step of an operation, before it is taken. */
export interface ForeseenStep {
  /** The id of the stage as which it is carried out, `switchover/hand-over`. */
  id: string;
  title: string;
  /** Empty: it is taken on the control machine alone. */
  hosts: readonly string[];
  /** What clients notice of it, as a clause. */
  effect?: string;
  /** After it the operation cannot be taken back. */
  pointOfNoReturn?: true;
  /** It is no stage itself: `stages` brings its own, as a pass of roles over the hosts has them. */
  pass?: true;
}

/** What an operation will do, as far as it can be foreseen, before anything is done; later those steps that came up since. */
export interface Steps {
  type: 'steps';
  steps: readonly ForeseenStep[];
  /** What comes after them and cannot be foreseen, as a sentence. */
  then?: string;
}

/** What a step of an operation that is a pass of roles over the hosts will go through, before its first stage. */
export interface Stages {
  type: 'stages';
  /** The step's id. */
  step: string;
  stages: readonly StageShape[];
}

/** A person was asked whether the run may change anything, and agreed. */
export interface Answered {
  type: 'answered';
  /** How long the run waited for the answer; no part of the `ms` of `run-end`. */
  ms: number;
}

/** The run waits for what passes by itself before it plans or goes on; told again where something else is seen of it. */
export interface Awaiting {
  type: 'awaiting';
  /** A clause: `PostgreSQL on pg1 recovers from a crash`. */
  text: string;
}

/** It waits for that no longer: it has passed, or it gets no further. */
export interface Awaited {
  type: 'awaited';
  ms: number;
}

/** Hosts enter a stage. */
export interface StageStart {
  type: 'stage-start';
  stage: string;
}

/** No host has anything left to do in a stage. */
export interface StageEnd {
  type: 'stage-end';
  stage: string;
  ms: number;
}

/** A host enters a stage. */
export interface StepStart {
  type: 'step-start';
  host: string;
  stage: string;
  /** How many resources will be changed. */
  changes: number;
}

/** A host has begun a change. */
export interface Changing {
  type: 'changing';
  host: string;
  stage: string;
  resource: string;
  summary: string;
}

/** A host says that a change is made. */
export interface Changed {
  type: 'changed';
  host: string;
  stage: string;
  resource: string;
  summaries: readonly string[];
  ms: number;
}

/** A host waits at a gate. */
export interface Waiting {
  type: 'waiting';
  host: string;
  stage: string;
  /** What it waits for, after `until`. */
  title: string;
}

/** A gate has opened. */
export interface Waited {
  type: 'waited';
  host: string;
  stage: string;
  title: string;
  ms: number;
}

/**
 * How long no write succeeded while a step of an operation was taken: the longest time between two successive commits, of a small one that every
 * member makes about every 100 ms.
 */
export interface WriteGap {
  type: 'write-gap';
  stage: string;
  /** Absent where it could not be seen. */
  ms?: number;
  /** The host of the last commit before it, where there was one. */
  from?: string;
  /** The host of the first commit after it, where there was one. */
  to?: string;
  /** Why it could not be seen, as a clause. */
  unseen?: string;
  /** Hosts that were lost from sight meanwhile, so that a commit there may not have been seen. */
  lost?: readonly string[];
}

/** A host is through with a stage, or left it out. */
export interface StepEnd {
  type: 'step-end';
  host: string;
  stage: string;
  result: StepResult;
  changes: number;
  ms: number;
  /** Why it was skipped. */
  reason?: string;
  error?: PgprovError;
  /** The change that was begun when it failed, and may have been made in part. */
  begun?: string;
}

/** A part of the preparation came to nothing on a host; `failed` says why once the others are through. */
export interface GaveUp {
  type: 'gave-up';
  host: string;
  phase: HostPhase;
  ms: number;
}

/** A host has answered the questions of the last look. */
export interface SurveyedAgain {
  type: 'surveyed-again';
  host: string;
  ms: number;
  times: LookTimes;
}

/** Whether the cluster is what was asked for. */
export interface Checked {
  type: 'checked';
  results: readonly CheckResult[];
}

/** Something failed that belongs to no stage. */
export interface Failed {
  type: 'failed';
  error: PgprovError;
}

/** The cluster as it was last seen in the run. */
export interface ClusterSeen {
  type: 'cluster';
  status: Omit<ClusterStatus, 'dynamic' | 'keys'>;
  /** It was looked at after the last change; else each host is shown as it was last seen. */
  afterwards: boolean;
}

/** What `pgprov doctor` has found out. */
export interface FoundOut {
  type: 'diagnosed';
  answer: DoctorAnswer;
}

/** The connection to a host was closed. */
export interface Disconnected {
  type: 'disconnected';
  host: string;
  ms: number;
  /** How many it was sent in the run. */
  scripts: number;
}

/** The last event of a run. */
export interface RunEnd {
  type: 'run-end';
  exitCode: ExitCode;
  /** Without the time that a person took to agree. */
  ms: number;
  recap: readonly HostRecap[];
  /** Of the processor, in all of the process so far. */
  cpuMs?: number;
}

/** Everything that happens in a run, in order. Reports subscribe; nothing else drives them. */
export type RunEvent =
  | RunStart
  | Connecting
  | Connected
  | Surveyed
  | Warning
  | Note
  | Awaiting
  | Awaited
  | Interrupted
  | Left
  | Planned
  | Steps
  | Stages
  | Answered
  | StageStart
  | StageEnd
  | StepStart
  | Changing
  | Changed
  | Waiting
  | Waited
  | WriteGap
  | StepEnd
  | GaveUp
  | SurveyedAgain
  | Checked
  | Failed
  | ClusterSeen
  | FoundOut
  | Disconnected
  | RunEnd;

/** Receives every event of a run. */
export type EventListener = (event: RunEvent) => void;

/** The same, told when an event happened where it was held back for a while; default: just now. */
export type TimedListener = (event: RunEvent, at?: Date) => void;
