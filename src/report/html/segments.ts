import type { RunEvent } from '../../events.js';
import type { TimedEvent } from '../timed-steps.js';

/** What a host, or pgprov itself, was doing for a while. */
export type SegmentKind = 'own' | 'queue' | 'connect' | 'look' | 'step' | 'change' | 'wait';

/** A while of a host. */
export interface Segment {
  kind: SegmentKind;
  title: string;
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  failed: boolean;
}

type Event<Type extends RunEvent['type']> = Extract<TimedEvent, { type: Type }>;

const PHASE_TITLES = { survey: 'first look', 'survey-again': 'last look', connect: 'connect' } as const;

/** What each host of a run did and when, as its events tell; a step comes before the changes and waits it was made of. */
export function hostSegments(events: readonly TimedEvent[], stageTitle: (id: string) => string): Map<string, Segment[]> {
  const hosts = new Map<string, HostSegments>();
  for (const event of events) {
    if (!('host' in event) || event.host === undefined) continue;
    const host = hosts.get(event.host) ?? new HostSegments(stageTitle);
    hosts.set(event.host, host);
    host.take(event);
  }
  const end = Date.parse(events.at(-1)?.at ?? '');
  return new Map([...hosts].map(([name, host]) => [name, host.until(end)]));
}

/** A step under way. */
interface OpenStep {
  segment: Segment;
  parts: Segment[];
  /** The change or wait that has no end yet. */
  doing?: Segment;
}

class HostSegments {
  readonly #segments: Segment[] = [];
  readonly #open = new Map<string, OpenStep>();
  readonly #stageTitle: (id: string) => string;
  #connecting: number | undefined;

  constructor(stageTitle: (id: string) => string) {
    this.#stageTitle = stageTitle;
  }

  take(event: TimedEvent): void {
    const at = Date.parse(event.at);
    switch (event.type) {
      case 'connecting':
        this.#connecting = at;
        return;
      case 'connected':
        return this.#connected(event, at);
      case 'surveyed':
        return this.#past('look', PHASE_TITLES.survey, at, event.ms);
      case 'surveyed-again':
        return this.#past('look', PHASE_TITLES['survey-again'], at, event.ms);
      case 'gave-up':
        this.#connecting = undefined;
        return this.#past(event.phase === 'connect' ? 'connect' : 'look', PHASE_TITLES[event.phase], at, event.ms, true);
      case 'step-start':
        this.#open.set(event.stage, {
          segment: { kind: 'step', title: this.#stageTitle(event.stage), from: at, to: at, failed: false },
          parts: [],
        });
        return;
      case 'changing':
        return this.#begin(event.stage, 'change', event.summary, at);
      case 'waiting':
        return this.#begin(event.stage, 'wait', `waiting until ${event.title}`, at);
      case 'changed':
      case 'waited':
        return this.#done(event.stage, at);
      case 'step-end':
        return this.#endStep(event.stage, at, event.result === 'failed');
      default:
        return;
    }
  }

  /** All segments; what never ended went on until the run did. */
  until(end: number): Segment[] {
    if (this.#connecting !== undefined) this.#past('connect', `${PHASE_TITLES.connect} (unfinished)`, end, end - this.#connecting);
    for (const stage of [...this.#open.keys()]) this.#endStep(stage, end, false);
    return this.#withLooksBetween();
  }

  /** An operation looks again between two of its steps. */
  #withLooksBetween(): Segment[] {
    const first = this.#segments.find(({ kind }) => kind === 'look');
    const lastStep = this.#segments.findLast(({ kind }) => kind === 'step');
    const isBetween = (segment: Segment): boolean =>
      segment !== first &&
      segment.kind === 'look' &&
      !segment.failed &&
      (segment.title === PHASE_TITLES.survey || segment.to <= (lastStep?.from ?? 0));
    return this.#segments.map((segment) => (isBetween(segment) ? { ...segment, title: 'look between steps' } : segment));
  }

  #past(kind: SegmentKind, title: string, to: number, ms: number, failed = false): void {
    this.#segments.push({ kind, title: failed ? `${title} (failed)` : title, from: to - ms, to, failed });
  }

  #connected({ ms, queuedMs = 0 }: Event<'connected'>, at: number): void {
    this.#connecting = undefined;
    if (queuedMs > 0) this.#past('queue', 'in line for a handshake', at - ms + queuedMs, queuedMs);
    this.#past('connect', PHASE_TITLES.connect, at, ms - queuedMs);
  }

  #begin(stage: string, kind: SegmentKind, title: string, from: number): void {
    const step = this.#open.get(stage);
    if (step !== undefined) step.doing = { kind, title, from, to: from, failed: false };
  }

  #done(stage: string, to: number): void {
    const step = this.#open.get(stage);
    if (step?.doing === undefined) return;
    step.parts.push({ ...step.doing, to });
    delete step.doing;
  }

  /** A step that had nothing to do took no time worth drawing. */
  #endStep(stage: string, to: number, failed: boolean): void {
    const step = this.#open.get(stage);
    if (step === undefined) return;
    this.#open.delete(stage);
    const { segment, doing, parts } = step;
    if (doing !== undefined) parts.push({ ...doing, title: `${doing.title} (${failed ? 'failed' : 'unfinished'})`, to, failed });
    if (parts.length > 0 || failed) this.#segments.push({ ...segment, to, failed }, ...parts);
  }
}
