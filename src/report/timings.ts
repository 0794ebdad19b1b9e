import type { HostPhase, RunEvent } from '../events.js';
import { groupBy } from '../lib/group-by.js';
import { stageTitles } from './stage-titles.js';
import {
  joinCauses,
  longestFirst,
  lookParts,
  queueParts,
  spreadOf,
  totalOf,
  type Cause,
  type Spread,
  type SpreadPart,
} from './timed-parts.js';
import { criticalPath, READING_BACK, SENDING, timedSteps, type TimedEvent, type TimedPart, type TimedStep } from './timed-steps.js';

export type { TimedEvent } from './timed-steps.js';

/** A phase of a run: what goes before it, connecting, a look at the hosts, a stage. Times are in milliseconds. */
export interface TimedPhase extends Spread {
  /**
   * A stage's id, or `start`, `question`, `keys`, `connect`, `survey`, `plan`, `look-after`, `look-between`, `survey-again`, `goodbye`.
   */
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
  /** How much of the processor pgprov used, on all cores together; undefined when that is not known. */
  cpuMs?: number;
  /** In order; those of hosts that do not wait for each other overlap. */
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
  const { processMs = 0, askMs = 0, keysMs = 0 } = startUp ?? {};
  return Date.parse(at) - processMs - askMs - keysMs;
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
  /** Looks after the first stage began. */
  readonly #later: readonly TimedPhase[];

  constructor(events: readonly TimedEvent[], start: Event<'run-start'>) {
    this.#events = events;
    this.#start = start;
    this.#steps = timedSteps(events);
    this.#zero = processStart(start);
    this.totalMs = this.#since(events.at(-1) ?? start);
    this.#preparation = this.#prepare();
    this.#later = this.#lookedLater();
    this.#goodbye = this.#sayGoodbye();
  }

  phases(): TimedPhase[] {
    return [...this.#preparation, ...inOrder([...this.#stages(), ...this.#later]), ...present(this.#goodbye)];
  }

  path(): Cause[] {
    const ends = [...this.#preparation, ...this.#later, ...present(this.#goodbye)];
    const parts = [
      ...ends.map(({ title, slowest, fromMs, toMs }) => ({
        title,
        ms: toMs - fromMs,
        ...(slowest === undefined ? {} : { host: slowest.host }),
      })),
      ...criticalPath(this.#steps).flatMap(({ host, parts: own }) => own.map((part) => (isPassing(part) ? part : { ...part, host }))),
    ];
    return joinCauses([...parts, { title: 'pgprov itself, in between', ms: this.totalMs - totalOf(parts) }]);
  }

  hosts(): HostTimes[] {
    const msOf = (type: 'connected' | 'surveyed' | 'surveyed-again' | 'disconnected', name: string, phase?: HostPhase): number =>
      totalOf([...ofType(this.#events, type), ...(phase === undefined ? [] : this.#gaveUp(phase))].filter(({ host }) => host === name));
    const busy = ({ connectMs, surveyMs, stagesMs, surveyAgainMs, goodbyeMs }: HostTimes): number =>
      connectMs + surveyMs + stagesMs + surveyAgainMs + goodbyeMs;
    const agreed = this.#agreed();
    const after = agreed === undefined ? [] : this.#lookedAfter(agreed);
    return this.#start.hosts
      .map(
        (host): HostTimes => ({
          host,
          connectMs: msOf('connected', host, 'connect'),
          queuedMs: ofType(this.#events, 'connected').find((event) => event.host === host)?.queuedMs ?? 0,
          surveyMs: msOf('surveyed', host, 'survey') - totalOf(ofType(after, 'surveyed').filter((look) => look.host === host)),
          stagesMs: totalOf(this.#steps.filter((step) => step.host === host && step.parts.length > 0).map(lasting)),
          surveyAgainMs: msOf('surveyed-again', host, 'survey-again'),
          goodbyeMs: msOf('disconnected', host),
          scripts: ofType(this.#events, 'disconnected').find((event) => event.host === host)?.scripts ?? 0,
        }),
      )
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
    const add = (
      id: string,
      title: string,
      toMs: number,
      rest: Omit<TimedPhase, 'id' | 'title' | 'fromMs' | 'toMs'> = { parts: [] },
    ): void => {
      if (toMs > at) phases.push({ id, title, fromMs: at, toMs, ...rest });
      at = Math.max(at, toMs);
    };
    add('start', 'start-up', at + (startUp?.processMs ?? 0));
    add('question', 'your answer', at + (startUp?.askMs ?? 0));
    add('keys', 'keys and certificates', at + (startUp?.keysMs ?? 0));
    const connected = ofType(this.#events, 'connected');
    const surveyed = this.#surveyedFirst();
    add('connect', 'connect', this.#endOf('connected'), {
      ...spreadOf([...connected, ...this.#gaveUp('connect')]),
      parts: queueParts(connected),
    });
    add('survey', 'first look', this.#endOf('surveyed'), this.#lookOf('survey', surveyed));
    const next = this.#events.find(({ type }) => type === 'stage-start' || type === 'disconnected' || type === 'run-end');
    const agreed = this.#agreed();
    if (agreed !== undefined) {
      add('plan', 'plan', this.#since(agreed) - agreed.ms);
      add('question', 'your answer', this.#since(agreed));
      const looks = this.#lookedAfter(agreed);
      if (looks.length > 0)
        add('look-after', 'look after your answer', Math.max(...looks.map((look) => this.#since(look))), this.#lookOf('survey', looks));
    } else if (surveyed.length > 0) add('plan', 'plan', next === undefined ? this.totalMs : this.#since(next) - leavingMs(next));
    return phases;
  }

  /** When the last host was through with a part of the preparation, or the run gave it up; 0 when it was never begun. */
  #endOf(type: 'connected' | 'surveyed'): number {
    const hosts = this.#start.hosts.length;
    const own = type === 'surveyed' ? this.#surveyedFirst() : ofType(this.#events, type);
    const begun = type === 'connected' || own.length > 0 || ofType(this.#events, 'connected').length === hosts;
    if (!begun) return 0;
    const through = [...own, ...this.#gaveUp('connect'), ...(type === 'connected' ? [] : this.#gaveUp('survey'))];
    const stopped = this.#events.find((event) => event.type === 'failed') ?? this.#events.at(-1);
    return Math.max(...[...through, ...(through.length < hosts ? present(stopped) : [])].map((event) => this.#since(event)));
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

  /** Of an operation that goes through a stage several times, each time by itself. */
  #stages(): TimedPhase[] {
    const titles = stageTitles(this.#events);
    const ids = [...new Set([...titles.keys(), ...this.#steps.map(({ stage }) => stage)])];
    const passes = this.#events.flatMap(({ type }, index) => (type === 'stages' ? [index] : []));
    const passOf = ({ order }: TimedStep): number => passes.filter((index) => index < order.first).length;
    return Array.from({ length: passes.length + 1 }, (_, pass) => pass).flatMap((pass) =>
      ids.flatMap((id): TimedPhase[] => {
        const own = this.#steps.filter((step) => step.stage === id && step.parts.length > 0 && passOf(step) === pass);
        const [slowest] = longestFirst(own.map((step) => ({ ...lasting(step), parts: step.parts })));
        if (slowest === undefined) return [];
        return [
          {
            id,
            title: titles.get(id) ?? id,
            fromMs: Math.min(...own.map(({ from }) => from)) - this.#zero,
            toMs: Math.max(...own.map(({ to }) => to)) - this.#zero,
            ...spreadOf(own.map(lasting)),
            parts: longestFirst(slowest.parts),
          },
        ];
      }),
    );
  }

  /** The first looks: those that came before the first stage, and before a person agreed to it. */
  #surveyedFirst(): Event<'surveyed'>[] {
    const began = this.#events.findIndex(({ type }) => type === 'stage-start' || type === 'answered');
    return ofType(began < 0 ? this.#events : this.#events.slice(0, began), 'surveyed');
  }

  /** That a person agreed before the first stage. */
  #agreed(): Event<'answered'> | undefined {
    const first = this.#events.find(({ type }) => type === 'stage-start' || type === 'answered');
    return first?.type === 'answered' ? (first as Event<'answered'>) : undefined;
  }

  /** The looks between the answer and the first stage: the answer may have taken long. */
  #lookedAfter(agreed: Event<'answered'>): Event<'surveyed' | 'surveyed-again'>[] {
    const rest = this.#events.slice(this.#events.indexOf(agreed));
    const began = rest.findIndex(({ type }) => type === 'stage-start');
    const looks = began < 0 ? rest : rest.slice(0, began);
    return [...ofType(looks, 'surveyed'), ...ofType(looks, 'surveyed-again')];
  }

  /** The look that proves a run, and those of an operation between two of its steps; what it asks before the first belongs to the plan. */
  #lookedLater(): TimedPhase[] {
    const looks: (readonly [number, Event<'surveyed' | 'surveyed-again'>])[] = [];
    let begun = 0;
    for (const event of this.#events) {
      if (event.type === 'stage-start') begun += 1;
      if (event.type === 'surveyed-again' || (event.type === 'surveyed' && begun > 0)) looks.push([begun, event]);
    }
    const after = groupBy(
      looks.filter(([stages]) => stages > 0 || begun === 0),
      ([stages]) => String(stages),
    );
    return [...after].map(([stages, own]) => {
      const events = own.map(([, event]) => event);
      return Number(stages) === begun
        ? this.#looked('survey-again', 'last look', events)
        : this.#looked('look-between', 'look between steps', events);
    });
  }

  #looked(id: string, title: string, looks: readonly Event<'surveyed' | 'surveyed-again'>[]): TimedPhase {
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

/** By when they began; those that began together stay in their order. */
function inOrder(phases: readonly TimedPhase[]): TimedPhase[] {
  return [...phases].sort((a, b) => a.fromMs - b.fromMs);
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
