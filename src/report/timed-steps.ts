import type { RunEvent } from '../events.js';

/** An event, and when it came (ISO 8601). */
export type TimedEvent = RunEvent & { at: string };

/** A part of something that took time. */
export interface TimedPart {
  title: string;
  ms: number;
}

/** One host's part of a stage: when it went on, in milliseconds since 1970, and what it was made of, in order. */
export interface TimedStep {
  host: string;
  stage: string;
  from: number;
  to: number;
  /** The places of its first and last event in the run, which tell the order within a millisecond. */
  order: { first: number; last: number };
  /** Without those that took no millisecond. */
  parts: readonly TimedPart[];
}

/** What it takes to begin a step's script, until its first change. */
export const SENDING = 'sending the script';

/** What follows a step's last change. */
export const READING_BACK = 'reading back';

/** A step while its events come. */
interface OpenStep {
  host: string;
  stage: string;
  from: number;
  first: number;
  parts: TimedPart[];
  /** What is being done or waited for, and since when. */
  doing?: { title: string; from: number };
  /** When the last thing began or ended. */
  since: number;
}

/** The steps of a run that did anything, in the order in which they ended; those under way at its end last. */
export function timedSteps(events: readonly TimedEvent[]): TimedStep[] {
  const open = new Map<string, OpenStep>();
  const steps: TimedStep[] = [];
  events.forEach((event, index) => {
    const at = Date.parse(event.at);
    if (event.type === 'step-start') {
      const { host, stage } = event;
      open.set(keyOf(event), { host, stage, from: at, first: index, parts: [], since: at });
      return;
    }
    if (!isOfStep(event)) return;
    const step = open.get(keyOf(event));
    if (step === undefined) return;
    if (event.type === 'step-end') {
      open.delete(keyOf(event));
      steps.push(closed(step, at, index));
    } else follow(step, event, at);
  });
  const end = Date.parse(events.at(-1)?.at ?? '');
  return [...steps, ...[...open.values()].map((step) => closed(step, end, events.length))];
}

type StepEvent = Extract<TimedEvent, { type: 'changing' | 'changed' | 'waiting' | 'waited' | 'step-end' }>;

function isOfStep(event: TimedEvent): event is StepEvent {
  return ['changing', 'changed', 'waiting', 'waited', 'step-end'].includes(event.type);
}

function keyOf({ host, stage }: { host: string; stage: string }): string {
  return `${host} ${stage}`;
}

function follow(step: OpenStep, event: Exclude<StepEvent, { type: 'step-end' }>, at: number): void {
  if (event.type === 'changed' || event.type === 'waited') {
    const title = event.type === 'changed' ? event.summaries.join('; ') : waitTitle(event.title);
    step.parts.push({ title, ms: event.ms });
    delete step.doing;
  } else {
    if (step.parts.length === 0) step.parts.push({ title: SENDING, ms: at - step.since });
    step.doing = { title: event.type === 'changing' ? event.summary : waitTitle(event.title), from: at };
  }
  step.since = at;
}

function waitTitle(title: string): string {
  return `waiting until ${title}`;
}

/** Whatever was being done when it ended did not come to its end: it failed, or the run broke off. */
function closed({ host, stage, from, first, parts, doing, since }: OpenStep, to: number, last: number): TimedStep {
  const rest =
    doing === undefined ? { title: READING_BACK, ms: to - since } : { title: `${doing.title} (unfinished)`, ms: to - doing.from };
  const all = parts.length === 0 && doing === undefined ? [] : [...parts, rest];
  return { host, stage, from, to, order: { first, last }, parts: all.filter(({ ms }) => ms > 0) };
}

/** Who waited for whom: the steps, one after the other, that the last one to end had to wait for. */
export function criticalPath(steps: readonly TimedStep[]): TimedStep[] {
  const path: TimedStep[] = [];
  let step = lastToEnd(steps);
  while (step !== undefined) {
    path.unshift(step);
    step = waitedFor(step, steps);
  }
  return path;
}

/** A host that proceeds by itself waits for its own step before; at a stage that all enter together, for the slowest. */
function waitedFor(step: TimedStep, steps: readonly TimedStep[]): TimedStep | undefined {
  const before = steps.filter(({ order }) => order.last < step.order.first);
  const own = lastToEnd(before.filter(({ host }) => host === step.host));
  return own !== undefined && step.from - own.to <= AT_ONCE_MS ? own : lastToEnd(before);
}

/** A step that begins so soon after another of its host was waiting for nothing else. */
const AT_ONCE_MS = 2;

function lastToEnd(steps: readonly TimedStep[]): TimedStep | undefined {
  return steps.reduce<TimedStep | undefined>(
    (last, step) => (last === undefined || step.order.last > last.order.last ? step : last),
    undefined,
  );
}
