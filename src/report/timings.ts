import type { HostPhase, RunEvent } from '../events.js';
import { joinCauses, longestFirst, lookParts, queueParts, spreadOf, totalOf, type Cause, type Spread, type SpreadPart } from './timed-parts.js';
import { criticalPath, READING_BACK, SENDING, timedSteps, type TimedEvent, type TimedPart, type TimedStep } from './timed-steps.js';

export type { TimedEvent } from './timed-steps.js';

/** A phase of a run: what goes before it, connecting, a look at the hosts, a stage. Times are in milliseconds. */
export interface TimedPhase extends Spread {
  /** A stage's id, or `start`, `look-before`, `question`, `keys`, `connect`, `survey`, `plan`, `survey-again`, `goodbye`. */
  id: string;
  title: string;
  /** Since the start of the process. */
  fromMs: number;
  toMs: number;
  /** What the slowest host's time was made of, longest first. */
  parts: readonly SpreadPart[];
}

/** What one host's time was made of, in milliseconds. */
export interface HostTimes {
  host: string;
  connectMs: number;
  /** Of `connectMs`, how long its handshake waited for its turn. */
  queuedMs: number;
  surveyMs: number;
  stagesMs: number;
  surveyAgainMs: number;
  goodbyeMs: number;
  scripts: number;
}

/** Where the time of a run went. */
export interface Timings {
  /** From the start of the process to the end of the run. */
  totalMs: number;
  /** How much of the processor pgprov used, on all cores together; undefined when that was not told. */
  cpuMs?: number;
  /** In order; those of hosts that go on by themselves overlap. */
  phases: readonly TimedPhase[];
  /** What the run was waiting for at each moment, like put together, longest first; it adds up to `totalMs`. */
  path: readonly Cause[];
  /** Those that were busy longest first. */
  hosts: readonly HostTimes[];
}

type Event<Type extends RunEvent['type']> = Extract<TimedEvent, { type: Type }>;

/** Sums up where the time went, from all events of a run; undefined before a run has begun. */
export function timeRun(events: readonly TimedEvent[]): Timings | undefined {
  const [start] = ofType(events, 'run-start');
  if (start === undefined) return undefined;
  const run = new TimedRun(events, start);
  const cpuMs = ofType(events, 'run-end').at(-1)?.cpuMs;
  return { totalMs: run.totalMs, ...(cpuMs === undefined ? {} : { cpuMs }), phases: run.phases(), path: run.path(), hosts: run.hosts() };
}

/** When the process of a run started, in milliseconds since 1970. */
export function processStart({ at, startUp }: Event<'run-start'>): number {
  const { processMs = 0, lookMs = 0, askMs = 0, keysMs = 0 } = startUp ?? {};
  return Date.parse(at) - processMs - lookMs - askMs - keysMs;
}

class TimedRun {
  readonly totalMs: number;
  readonly #events: readonly TimedEvent[];
  readonly #start: Event<'run-start'>;
  readonly #steps: readonly TimedStep[];
  /** When the process started, in milliseconds since 1970. */
  readonly #zero: number;
  readonly #preparation: readonly TimedPhase[];
  readonly #goodbye: TimedPhase | undefined;
  readonly #again: TimedPhase | undefined;

  constructor(events: readonly TimedEvent[], start: Event<'run-start'>) {
    this.#events = events;
    this.#start = start;
    this.#steps = timedSteps(events);
    this.#zero = processStart(start);
    this.totalMs = this.#since(events.at(-1) ?? start);
    this.#preparation = this.#prepare();
    this.#again = this.#looked('survey-again', 'last look', ofType(events, 'surveyed-again'));
    this.#goodbye = this.#sayGoodbye();
  }

  phases(): TimedPhase[] {
    return [...this.#preparation, ...this.#stages(), ...present(this.#again), ...present(this.#goodbye)];
  }

  path(): Cause[] {
    const ends = [...this.#preparation, ...present(this.#again), ...present(this.#goodbye)];
    const parts = [
      ...ends.map(({ title, slowest, fromMs, toMs }) => ({ title, ms: toMs - fromMs, ...(slowest === undefined ? {} : { host: slowest.host }) })),
      ...criticalPath(this.#steps).flatMap(({ host, parts: own }) => own.map((part) => (isPassing(part) ? part : { ...part, host }))),
    ];
    return joinCauses([...parts, { title: 'pgprov itself, in between', ms: this.totalMs - totalOf(parts) }]);
  }

  hosts(): HostTimes[] {
    const msOf = (type: 'connected' | 'surveyed' | 'surveyed-again' | 'disconnected', name: string, phase?: HostPhase): number =>
      totalOf([...ofType(this.#events, type), ...(phase === undefined ? [] : this.#gaveUp(phase))].filter(({ host }) => host === name));
    const busy = ({ connectMs, surveyMs, stagesMs, surveyAgainMs, goodbyeMs }: HostTimes): number =>
      connectMs + surveyMs + stagesMs + surveyAgainMs + goodbyeMs;
    return this.#start.hosts
      .map((host): HostTimes => ({
        host,
        connectMs: msOf('connected', host, 'connect'),
        queuedMs: ofType(this.#events, 'connected').find((event) => event.host === host)?.queuedMs ?? 0,
        surveyMs: msOf('surveyed', host, 'survey'),
        stagesMs: totalOf(this.#steps.filter((step) => step.host === host && step.parts.length > 0).map(lasting)),
        surveyAgainMs: msOf('surveyed-again', host, 'survey-again'),
        goodbyeMs: msOf('disconnected', host),
        scripts: ofType(this.#events, 'disconnected').find((event) => event.host === host)?.scripts ?? 0,
      }))
      .sort((a, b) => busy(b) - busy(a));
  }

  #since({ at }: { at: string }): number {
    return Date.parse(at) - this.#zero;
  }

  /** Everything up to the first stage, one after the other. */
  #prepare(): TimedPhase[] {
    const { startUp } = this.#start;
    let at = 0;
    const phases: TimedPhase[] = [];
    const add = (id: string, title: string, toMs: number, rest: Omit<TimedPhase, 'id' | 'title' | 'fromMs' | 'toMs'> = { parts: [] }): void => {
      if (toMs > at) phases.push({ id, title, fromMs: at, toMs, ...rest });
      at = Math.max(at, toMs);
    };
    add('start', 'start-up', at + (startUp?.processMs ?? 0));
    add('look-before', 'look before the question', at + (startUp?.lookMs ?? 0));
    add('question', 'your answer', at + (startUp?.askMs ?? 0));
    add('keys', 'keys and certificates', at + (startUp?.keysMs ?? 0));
    const connected = ofType(this.#events, 'connected');
    const surveyed = ofType(this.#events, 'surveyed');
    add('connect', 'connect', this.#endOf('connected'), { ...spreadOf([...connected, ...this.#gaveUp('connect')]), parts: queueParts(connected) });
    add('survey', 'first look', this.#endOf('surveyed'), this.#lookOf('survey', surveyed));
    const next = this.#events.find(({ type }) => type === 'stage-start' || type === 'disconnected' || type === 'run-end');
    if (surveyed.length > 0) add('plan', 'plan and consent', next === undefined ? this.totalMs : this.#since(next) - leavingMs(next));
    return phases;
  }

  /** When the last host was through with a part of the preparation, or the run gave it up; 0 when it was never begun. */
  #endOf(type: 'connected' | 'surveyed'): number {
    const hosts = this.#start.hosts.length;
    const own = this.#events.filter((event) => event.type === type);
    const begun = type === 'connected' || own.length > 0 || ofType(this.#events, 'connected').length === hosts;
    if (!begun) return 0;
    const stopped = this.#events.find((event) => event.type === 'failed') ?? this.#events.at(-1);
    return Math.max(...[...own, ...(own.length < hosts ? present(stopped) : [])].map((event) => this.#since(event)));
  }

  /** The hosts with which a part of the preparation came to nothing. */
  #gaveUp(phase: HostPhase): Event<'gave-up'>[] {
    return ofType(this.#events, 'gave-up').filter((event) => event.phase === phase);
  }

  /** A look that came to nothing told no times of its probes. */
  #lookOf(phase: HostPhase, looks: readonly Event<'surveyed' | 'surveyed-again'>[]): Spread & Pick<TimedPhase, 'parts'> {
    const all = [...looks, ...this.#gaveUp(phase)];
    return { ...spreadOf(all), parts: lookParts(all) };
  }

  #stages(): TimedPhase[] {
    const titles = new Map(this.#start.stages.map(({ id, title }) => [id, title]));
    const ids = [...new Set([...titles.keys(), ...this.#steps.map(({ stage }) => stage)])];
    return ids.flatMap((id): TimedPhase[] => {
      const own = this.#steps.filter(({ stage, parts }) => stage === id && parts.length > 0);
      const [slowest] = longestFirst(own.map((step) => ({ ...lasting(step), parts: step.parts })));
      if (slowest === undefined) return [];
      return [{
        id,
        title: titles.get(id) ?? id,
        fromMs: Math.min(...own.map(({ from }) => from)) - this.#zero,
        toMs: Math.max(...own.map(({ to }) => to)) - this.#zero,
        ...spreadOf(own.map(lasting)),
        parts: longestFirst(slowest.parts),
      }];
    });
  }

  #looked(id: string, title: string, looks: readonly Event<'surveyed-again'>[]): TimedPhase | undefined {
    if (looks.length === 0) return undefined;
    const ends = looks.map((look) => this.#since(look));
    const fromMs = Math.min(...looks.map((look, index) => (ends[index] ?? 0) - look.ms));
    return { id, title, fromMs, toMs: Math.max(...ends), ...this.#lookOf('survey-again', looks) };
  }

  #sayGoodbye(): TimedPhase | undefined {
    const ends = ofType(this.#events, 'disconnected');
    if (ends.length === 0) return undefined;
    const fromMs = Math.min(...ends.map((end) => this.#since(end) - end.ms));
    return { id: 'goodbye', title: 'goodbye', fromMs, toMs: this.totalMs, ...spreadOf(ends), parts: [] };
  }
}

function leavingMs(event: TimedEvent): number {
  return event.type === 'disconnected' ? event.ms : 0;
}

/** Everything that is done around changes, whichever they are. */
function isPassing({ title }: TimedPart): boolean {
  return title === SENDING || title === READING_BACK;
}

function lasting({ host, from, to }: TimedStep): { host: string; ms: number } {
  return { host, ms: to - from };
}

function present<Value>(value: Value | undefined): Value[] {
  return value === undefined ? [] : [value];
}

/** The events of one type, in order. */
export function ofType<Type extends RunEvent['type']>(events: readonly TimedEvent[], type: Type): Event<Type>[] {
  return events.filter((event) => event.type === type) as Event<Type>[];
}
