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
}

/** What went before a run, in milliseconds that do not overlap. */
export interface StartUp {
  /** From the start of the process: reading the program and the inventory. */
  processMs: number;
  /** The look at the hosts whose findings a person is shown before being asked. */
  lookMs?: number;
  /** Until the person had answered. */
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

/** Everything that happens in a run, in order. Reports subscribe; nothing else drives them. */
export type RunEvent =
  | { type: 'run-start'; command: string; cluster: string; hosts: readonly string[]; stages: readonly StageShape[]; startUp?: StartUp }
  | { type: 'connecting'; host: string }
  | { type: 'connected'; host: string; ms: number; /** Of `ms`, how long it waited for its turn, since handshakes are capped. */ queuedMs?: number }
  | { type: 'surveyed'; host: string; ms: number; times?: LookTimes }
  | { type: 'warning'; text: string; host?: string }
  | { type: 'note'; text: string; host?: string; stage?: string }
  | { type: 'planned'; changes: readonly PlannedChange[]; /** What it means for services, a sentence each. */ effects: readonly string[] }
  | { type: 'stage-start'; stage: string }
  | { type: 'stage-end'; stage: string; ms: number }
  | { type: 'step-start'; host: string; stage: string; changes: number }
  | { type: 'changing'; host: string; stage: string; resource: string; summary: string }
  | { type: 'changed'; host: string; stage: string; resource: string; summaries: readonly string[]; ms: number }
  | { type: 'waiting'; host: string; stage: string; title: string }
  | { type: 'waited'; host: string; stage: string; title: string; ms: number }
  | { type: 'step-end'; host: string; stage: string; result: StepResult; changes: number; ms: number; reason?: string; error?: PgprovError }
  | { type: 'gave-up'; host: string; phase: HostPhase; ms: number }
  | { type: 'surveyed-again'; host: string; ms: number; times: LookTimes }
  | { type: 'checked'; results: readonly CheckResult[] }
  | { type: 'failed'; error: PgprovError }
  | { type: 'disconnected'; host: string; ms: number; /** How many it was sent in the run. */ scripts: number }
  | { type: 'run-end'; exitCode: ExitCode; ms: number; recap: readonly HostRecap[]; /** Of the processor, in all of the process so far. */ cpuMs?: number };

/** Receives every event of a run. */
export type EventListener = (event: RunEvent) => void;
