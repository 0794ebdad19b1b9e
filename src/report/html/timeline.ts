import { comparableTimes } from '../duration.js';
import { stageTitles } from '../stage-titles.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType, processStart, type Timings } from '../timings.js';
import { count } from '../words.js';
import { hostLane, stageLane, type Drawing, type Lane } from './lanes.js';
import { Scale, type Tick } from './scale.js';
import { hostSegments } from './segments.js';

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

/** The timeline of a run; undefined when it never began. */
export function viewTimeline(events: readonly TimedEvent[], timings: Timings | undefined): TimelineView | undefined {
  const [start] = ofType(events, 'run-start');
  if (start === undefined || timings === undefined) return undefined;
  const { totalMs, phases } = timings;
  const drawing: Drawing = {
    scale: new Scale(totalMs),
    time: comparableTimes(totalMs),
    zero: processStart(start),
    totalMs,
    several: start.hosts.length > 1,
  };
  const { scale, time } = drawing;
  const titles = stageTitles(events);
  const segments = hostSegments(events, (id) => titles.get(id) ?? id);
  const failed = failedPhases(events);
  const lanes = start.hosts.map((host) => hostLane(host, segments.get(host) ?? [], drawing));
  return {
    ticks: scale.ticks(),
    legend: legendOf(lanes),
    stages: phases
      .filter(({ fromMs, toMs }) => time(toMs - fromMs) !== time(0))
      .map((phase) => stageLane(phase, failed.has(phase.id), drawing)),
    ...foldLanes(lanes),
  };
}

/** Ids of the phases in which a host failed. */
function failedPhases(events: readonly TimedEvent[]): Set<string> {
  return new Set([
    ...ofType(events, 'step-end')
      .filter(({ result }) => result === 'failed')
      .map(({ stage }) => stage),
    ...ofType(events, 'gave-up').map(({ phase }) => phase),
  ]);
}

function foldLanes(lanes: readonly Lane[]): Pick<TimelineView, 'hosts' | 'otherHosts' | 'others' | 'order'> {
  if (lanes.length <= MOST_LANES) return { hosts: lanes, otherHosts: [], others: '', order: '' };
  const worst = [...lanes].sort((a, b) => Number(b.cross !== undefined) - Number(a.cross !== undefined) || b.ms - a.ms);
  const otherHosts = worst.slice(MOST_LANES);
  return {
    hosts: worst.slice(0, MOST_LANES),
    otherHosts,
    others: count(otherHosts.length, 'other host'),
    order: 'Failed hosts first, then the slowest.',
  };
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
