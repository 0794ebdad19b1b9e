import type { TimeFormat } from '../duration.js';
import type { TimedPhase } from '../timings.js';
import { count, firstLine } from '../words.js';
import type { Scale, Stretch } from './scale.js';
import type { Segment, SegmentKind } from './segments.js';

/** One bar of a lane. */
interface Bar extends Stretch {
  /** How it is drawn. */
  look: string;
  title: string;
}

/** A row of the drawing: one stage, or one host. */
export interface Lane {
  name: string;
  /** What the drawing says, in words. */
  words: string;
  took: string;
  ms: number;
  bars: readonly Bar[];
  /** Where it failed, in percent. */
  cross?: string;
  crossAnchor: 'start' | 'end';
  /** Who took longest, in a lane of a stage. */
  slowest?: string;
}

/** What lanes are drawn with. */
export interface Drawing {
  scale: Scale;
  time: TimeFormat;
  /** When the process started, in milliseconds since 1970. */
  zero: number;
  /** Of the whole run. */
  totalMs: number;
  /** More than one host takes part. */
  several: boolean;
}

/** Changes that follow each other so soon, in shares of the whole, are drawn as one. */
const TOO_SHORT = 0.002;

/** The slowest host of a stage is named when it took this share of the run. */
const WORTH_NAMING = 0.05;

const PHASE_KINDS: Readonly<Record<string, SegmentKind>> = {
  start: 'own',
  keys: 'own',
  plan: 'own',
  goodbye: 'own',
  'look-after': 'look',
  survey: 'look',
  'look-between': 'look',
  'survey-again': 'look',
  connect: 'connect',
  question: 'wait',
};

/** When a stage, or a part of the preparation, went on. */
export function stageLane(
  { id, title, fromMs, toMs, slowest }: TimedPhase,
  failed: boolean,
  { scale, time, totalMs, several }: Drawing,
): Lane {
  const ms = toMs - fromMs;
  const worthNaming = several && slowest !== undefined && slowest.ms >= totalMs * WORTH_NAMING;
  return {
    name: title,
    words: `from ${time(fromMs)} to ${time(toMs)}${failed ? ', failed' : ''}`,
    took: time(ms),
    ms,
    bars: [{ ...scale.stretch(fromMs, toMs), look: looks(PHASE_KINDS[id] ?? 'change', failed), title: `${title}: ${time(ms)}` }],
    ...crossAt(failed ? scale.share(toMs) : undefined),
    ...(worthNaming ? { slowest: `${slowest.host} longest, ${time(slowest.ms)}` } : {}),
  };
}

/** What a host did, and when. */
export function hostLane(host: string, segments: readonly Segment[], { scale, time, zero, totalMs }: Drawing): Lane {
  const whole = segments.filter(({ kind }) => kind !== 'change' && kind !== 'wait');
  const ms = whole.reduce((sum, { from, to }) => sum + to - from, 0);
  const failedAt = segments.find(({ failed }) => failed)?.to;
  return {
    name: host,
    words:
      whole.length === 0
        ? 'nothing was done'
        : whole.map(({ title, from, to, failed }) => `${title} ${time(to - from)}${failed ? ' failed' : ''}`).join('; '),
    took: time(ms),
    ms,
    bars: joinShort(segments, totalMs * TOO_SHORT).map(({ kind, title, from, to, failed }) => ({
      ...scale.stretch(from - zero, to - zero),
      look: looks(kind, failed),
      title: `${firstLine(title)}: ${time(to - from)}`,
    })),
    ...crossAt(failedAt === undefined ? undefined : scale.share(failedAt - zero)),
  };
}

/** A cross stands after what failed, or before its end where no room is left. */
function crossAt(cross: string | undefined): Pick<Lane, 'cross' | 'crossAnchor'> {
  return { ...(cross === undefined ? {} : { cross }), crossAnchor: Number(cross) > 94 ? 'end' : 'start' };
}

function looks(kind: SegmentKind, failed: boolean): string {
  return failed ? `${kind} failed` : kind;
}

/** Draws short changes of one step, one after the other, as one. */
function joinShort(segments: readonly Segment[], shortMs: number): Segment[] {
  const joined: (Segment & { times: number })[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    const near =
      last?.kind === 'change' && segment.kind === 'change' && !last.failed && !segment.failed && segment.from - last.to <= shortMs;
    if (last !== undefined && near && (segment.to - segment.from <= shortMs || last.to - last.from <= shortMs)) {
      last.to = segment.to;
      last.times += 1;
      last.title = `${count(last.times, 'change')}, the last one: ${segment.title}`;
    } else joined.push({ ...segment, times: 1 });
  }
  return joined;
}
