import { comparableTimes } from '../duration.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType, processStart, type TimedPhase, type Timings } from '../timings.js';
import { count, firstLine } from '../words.js';
import { Scale, type Stretch, type Tick } from './scale.js';
import { hostSegments, type Segment, type SegmentKind } from './segments.js';

/** One bar of a lane. */
interface Bar extends Stretch {
  /** How it is drawn. */
  look: string;
  title: string;
}

/** A row of the drawing: one stage, or one host. */
interface Lane {
  name: string;
  /** What the drawing says, in words. */
  words: string;
  took: string;
  bars: readonly Bar[];
  /** Where it failed. */
  cross?: string;
  crossAnchor: 'start' | 'end';
  /** Who took longest, in a lane of a stage. */
  slowest?: string;
}

/** When everything went on. */
export interface TimelineView {
  ticks: readonly Tick[];
  legend: readonly { look: string; title: string }[];
  stages: readonly Lane[];
  hosts: readonly Lane[];
  /** Hosts of a large run whose lanes are folded away. */
  otherHosts: readonly Lane[];
  others: string;
  order: string;
}

/** Of more hosts, those that failed and the slowest are shown, and the others folded away. */
const MOST_LANES = 24;

/** Changes that follow each other so soon, in shares of the whole, are drawn as one. */
const TOO_SHORT = 0.002;

/** The slowest host of a stage is named when it took this share of the run. */
const WORTH_NAMING = 0.05;

const PHASE_KINDS: Readonly<Record<string, SegmentKind>> = {
  start: 'own',
  keys: 'own',
  plan: 'own',
  goodbye: 'own',
  'look-before': 'look',
  survey: 'look',
  'survey-again': 'look',
  connect: 'connect',
  question: 'wait',
};

/** The timeline of a run; undefined when it never began. */
export function viewTimeline(events: readonly TimedEvent[], timings: Timings | undefined): TimelineView | undefined {
  const [start] = ofType(events, 'run-start');
  if (start === undefined || timings === undefined) return undefined;
  const zero = processStart(start);
  const scale = new Scale(timings.totalMs);
  const time = comparableTimes(timings.totalMs);
  const titles = new Map(start.stages.map(({ id, title }) => [id, title]));
  const segments = hostSegments(events, (id) => titles.get(id) ?? id);
  const failedStages = new Set([
    ...ofType(events, 'step-end').filter(({ result }) => result === 'failed').map(({ stage }) => stage),
    ...ofType(events, 'gave-up').map(({ phase }) => phase),
  ]);

  const stageLane = ({ id, title, fromMs, toMs, slowest }: TimedPhase): Lane => {
    const failed = failedStages.has(id);
    const took = time(toMs - fromMs);
    const bar = { ...scale.stretch(fromMs, toMs), look: looks(PHASE_KINDS[id] ?? 'change', failed), title: `${title}: ${took}` };
    return {
      name: title,
      words: `from ${time(fromMs)} to ${time(toMs)}${failed ? ', failed' : ''}`,
      took,
      bars: [bar],
      ...crossAt(failed ? scale.share(toMs) : undefined),
      ...(slowest === undefined || start.hosts.length === 1 || slowest.ms < timings.totalMs * WORTH_NAMING ? {} : { slowest: `${slowest.host} longest, ${time(slowest.ms)}` }),
    };
  };

  const hostLane = (host: string): Lane & { ms: number } => {
    const own = segments.get(host) ?? [];
    const whole = own.filter(({ kind }) => kind !== 'change' && kind !== 'wait');
    const ms = whole.reduce((sum, { from, to }) => sum + to - from, 0);
    const cross = own.find(({ failed }) => failed)?.to;
    return {
      name: host,
      words: whole.length === 0 ? 'nothing was done' : whole.map(({ title, from, to, failed }) => `${title} ${time(to - from)}${failed ? ' failed' : ''}`).join('; '),
      took: time(ms),
      ms,
      bars: joinShort(own, timings.totalMs * TOO_SHORT).map(({ kind, title, from, to, failed }) => ({
        ...scale.stretch(from - zero, to - zero),
        look: looks(kind, failed),
        title: `${firstLine(title)}: ${time(to - from)}`,
      })),
      ...crossAt(cross === undefined ? undefined : scale.share(cross - zero)),
    };
  };

  const lanes = start.hosts.map(hostLane);
  const worst = [...lanes].sort((a, b) => Number(b.cross !== undefined) - Number(a.cross !== undefined) || b.ms - a.ms);
  const folded = lanes.length > MOST_LANES;
  const others = worst.slice(MOST_LANES);
  return {
    ticks: scale.ticks(),
    legend: legendOf(lanes),
    stages: timings.phases.filter(({ fromMs, toMs }) => time(toMs - fromMs) !== time(0)).map(stageLane),
    hosts: folded ? worst.slice(0, MOST_LANES) : lanes,
    otherHosts: folded ? others : [],
    others: count(folded ? others.length : 0, 'other host'),
    order: folded ? 'Failed hosts first, then the slowest.' : '',
  };
}

/** A cross stands after what failed, or before its end where no room is left. */
function crossAt(cross: string | undefined): Pick<Lane, 'cross' | 'crossAnchor'> {
  return { ...(cross === undefined ? {} : { cross }), crossAnchor: Number(cross) > 94 ? 'end' : 'start' };
}

/** What is in the drawing, in the order of a run. */
function legendOf(lanes: readonly Lane[]): TimelineView['legend'] {
  const drawn = new Set(lanes.flatMap(({ bars }) => bars.map(({ look }) => look)));
  return [{ look: 'own', title: 'pgprov itself' }, ...LEGEND.filter(({ look }) => drawn.has(look))];
}

const LEGEND: readonly { look: string; title: string }[] = [
  { look: 'queue', title: 'in line for a handshake' },
  { look: 'connect', title: 'connecting' },
  { look: 'look', title: 'looking' },
  { look: 'change', title: 'changing' },
  { look: 'wait', title: 'waiting' },
  { look: 'step', title: 'sending scripts, reading back' },
];

function looks(kind: SegmentKind, failed: boolean): string {
  return failed ? `${kind} failed` : kind;
}

/** Draws short changes of one step, one after the other, as one. */
function joinShort(segments: readonly Segment[], shortMs: number): Segment[] {
  const joined: (Segment & { times: number })[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    const near = last?.kind === 'change' && segment.kind === 'change' && !last.failed && !segment.failed && segment.from - last.to <= shortMs;
    if (last !== undefined && near && (segment.to - segment.from <= shortMs || last.to - last.from <= shortMs)) {
      last.to = segment.to;
      last.times += 1;
      last.title = `${count(last.times, 'change')}, the last one: ${segment.title}`;
    } else joined.push({ ...segment, times: 1 });
  }
  return joined;
}
