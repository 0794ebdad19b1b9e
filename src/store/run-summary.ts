import type { ForeseenStep, RunEvent } from '../events.js';
import { ExitCode } from '../lib/errors.js';
import type { RunHead, TimedEvent } from './journal-format.js';
import { isRunning } from './process.js';
import type { RunRecord } from './run-record.js';

/** How a run ended, or that it has not: `broke off` when its process is gone, `unknown` on another machine. */
export type RunEnding = 'done' | 'failed' | 'refused' | 'unreachable' | 'locked' | 'interrupted' | 'broke off' | 'running' | 'unknown';

/** Where a run broke: a host, and the stage or the part of the preparation it was in; hosts may have been in different ones. */
export interface BrokenAt {
  host?: string;
  /** A stage's id, or `connect`, `survey`, `plan`, `check`. */
  stage?: string;
}

/** What there is to know of a run at a glance. */
export interface RunSummary {
  id: string;
  head: RunHead | undefined;
  ending: RunEnding;
  /** Absent without a proper end. */
  exitCode?: ExitCode;
  /** Milliseconds; up to the last event where there is no end. */
  ms: number;
  /** Changes made and confirmed by the host. */
  changes: number;
  /** Empty for a run that succeeded or still runs. */
  broke: readonly BrokenAt[];
}

const ENDINGS: Readonly<Partial<Record<ExitCode, RunEnding>>> = {
  [ExitCode.done]: 'done',
  [ExitCode.hostFailed]: 'failed',
  [ExitCode.badInput]: 'failed',
  [ExitCode.unreachable]: 'unreachable',
  [ExitCode.refused]: 'refused',
  [ExitCode.locked]: 'locked',
  [ExitCode.interrupted]: 'interrupted',
};

type Event<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** Sums a run up. */
export function summariseRun({ id, head, events }: RunRecord): RunSummary {
  const end = ofType(events, 'run-end').at(-1);
  const ending = end === undefined ? endingWithout(head, events) : (ENDINGS[end.exitCode] ?? 'failed');
  const well = ending === 'done' || ending === 'running';
  return {
    id,
    head,
    ending,
    ...(end === undefined ? {} : { exitCode: end.exitCode }),
    ms: end?.ms ?? elapsed(head, events),
    changes: ofType(events, 'changed').reduce((sum, { summaries }) => sum + summaries.length, 0),
    broke: well ? [] : brokenAt(events),
  };
}

function endingWithout(head: RunHead | undefined, events: readonly TimedEvent[]): RunEnding {
  if (ofType(events, 'left').length > 0) return 'interrupted';
  if (head === undefined) return 'broke off';
  const running = isRunning(head.process);
  if (running === undefined) return 'unknown';
  return running ? 'running' : 'broke off';
}

function elapsed(head: RunHead | undefined, events: readonly TimedEvent[]): number {
  const times = [head, ...events].flatMap((entry) => (entry === undefined ? [] : [Date.parse(entry.at)]));
  return times.length === 0 ? 0 : Math.max(0, (times.at(-1) ?? 0) - (times[0] ?? 0));
}

/** Failed steps; else failures outside of stages; else what was being done, or was left out, when the run stopped. */
function brokenAt(events: readonly TimedEvent[]): BrokenAt[] {
  const ends = ofType(events, 'step-end');
  const failed = ends.filter(({ result }) => result === 'failed');
  if (failed.length > 0) return failed.map(({ host, stage }) => ({ host, stage }));
  const errors = ofType(events, 'failed');
  if (errors.length > 0) return errors.map(({ error: { host } }) => placeOf(host, events));
  const ended = ofType(events, 'run-end').length > 0;
  const skipped = ends.filter(({ result }) => result === 'skipped');
  // A host that was stopped is told of all stages that it left out, and broke at the first; hosts that were at work may be in different
  // ones.
  const left = ended ? skipped.filter(({ stage }) => stage === skipped[0]?.stage) : openSteps(events);
  return left.length > 0 ? left.map(({ host, stage }) => ({ host, stage })) : between(events);
}

function openSteps(events: readonly TimedEvent[]): { host: string; stage: string }[] {
  const ended = new Set(ofType(ofLastPass(events), 'step-end').map(({ host, stage }) => `${host} ${stage}`));
  return ofType(ofLastPass(events), 'step-start').filter(({ host, stage }) => !ended.has(`${host} ${stage}`));
}

/** An operation may go through the same stages several times; what came before the last time is over. */
function ofLastPass(events: readonly TimedEvent[]): readonly TimedEvent[] {
  return events.slice(Math.max(0, events.map(({ type }) => type).lastIndexOf('stages')));
}

/** No step was under way: the preparation, the moment before a stage, or the proof. */
function between(events: readonly TimedEvent[]): BrokenAt[] {
  const [start] = ofType(events, 'run-start');
  const unprepared = (start?.hosts ?? [])
    .map((host) => placeOf(host, events))
    .filter(({ stage }) => stage === 'connect' || stage === 'survey');
  if (unprepared.length > 0) return unprepared;
  const step = stepOf(events);
  if (step !== undefined) return step.hosts.length === 0 ? [{ stage: step.id }] : step.hosts.map((host) => ({ host, stage: step.id }));
  if (ofType(events, 'planned').length === 0) return [{ stage: 'plan' }];
  const over = new Set(ofType(ofLastPass(events), 'stage-end').map(({ stage }) => stage));
  const { stages = [] } = ofType(events, 'stages').at(-1) ?? start ?? {};
  return [{ stage: stages.find(({ id }) => !over.has(id))?.id ?? 'check' }];
}

/** The step of an operation that was next, once one had begun. */
function stepOf(events: readonly TimedEvent[]): ForeseenStep | undefined {
  if (ofType(events, 'stage-start').length === 0) return undefined;
  const over = new Set(ofType(events, 'stage-end').map(({ stage }) => stage));
  const next = ofType(events, 'steps')
    .flatMap(({ steps }) => steps)
    .find(({ id }) => !over.has(id));
  // Such a step is no stage itself, so that its end is not told.
  return next?.pass === true ? undefined : next;
}

/** The part of the preparation that a host had not left, or the part of the run that belongs to no stage. */
function placeOf(host: string | undefined, events: readonly TimedEvent[]): BrokenAt {
  const has = (type: 'connected' | 'surveyed'): boolean => ofType(events, type).some((event) => event.host === host);
  const where = host === undefined ? {} : { host };
  if (host !== undefined && !has('connected')) return { ...where, stage: 'connect' };
  if (host !== undefined && !has('surveyed')) return { ...where, stage: 'survey' };
  return { ...where, stage: ofType(events, 'planned').length === 0 ? 'plan' : 'check' };
}

function ofType<Type extends RunEvent['type']>(events: readonly TimedEvent[], type: Type): Event<Type>[] {
  return events.filter((event) => event.type === type) as unknown as Event<Type>[];
}
