import { comparableTimes, type TimeFormat } from './duration.js';
import { makePaint, type Paint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { median, totalOf, type SpreadPart } from './timed-parts.js';
import type { HostTimes, TimedPhase, Timings } from './timings.js';
import { count } from './words.js';
import { cutToWidth, padToWidth, widestOf } from './width.js';

/** The view is read on terminals of this many columns. */
const WIDTH = 80;

/** Columns of the drawing of when each phase went on. */
const LINE = 12;

/** Most columns for the name of a host. */
const HOST_WIDTH = 22;

/** Of what the run waited for, so many are named; never what is less than this share of it. */
const MOST_CAUSES = 6;
const SHARE_OF_WAIT = 0.005;

/** Of a phase's parts, so many are named; those that took less than these shares of the phase and of the run are not. */
const MOST_PARTS = 6;
const SHARE_OF_PHASE = 0.05;
const SHARE_OF_RUN = 0.01;

const INDENT = '    ';

/** Up to so many hosts are all listed; of more, the slowest and the one in the middle. */
const ALL_HOSTS = 5;
const SLOWEST_HOSTS = 3;

/** Where the time of a run went, for people: what it waited for, then everything in order, then the hosts. */
export function renderTimings(timings: Timings, { color }: { color: boolean }): string {
  const paint = makePaint(color);
  const time = comparableTimes(timings.totalMs);
  const blocks = [causeLines(timings, time, paint), phaseLines(timings, time, paint), hostLines(timings.hosts, time, paint)];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function causeLines({ totalMs, cpuMs, path }: Timings, time: TimeFormat, paint: Paint): string[] {
  const named = path.filter(({ ms }) => ms >= totalMs * SHARE_OF_WAIT).slice(0, MOST_CAUSES);
  const rest = path.slice(named.length);
  const restMs = totalOf(rest);
  const lines = [
    ...named.map(({ title, host, ms, times }) => ({
      ms,
      text: `${host === undefined ? '' : `${host}: `}${title}${times > 1 ? `, ${times} times` : ''}`,
    })),
    ...(time(restMs) === time(0) ? [] : [{ ms: restMs, text: `${count(rest.length, 'shorter thing')}` }]),
  ];
  const width = widestOf(lines.map(({ ms }) => time(ms)));
  return [
    paint.strong(`Of ${time(totalMs)} the run waited for`),
    ...lines.map(({ ms, text }, index) => {
      const share = `${Math.round((ms / Math.max(1, totalMs)) * 100)} %`;
      const line = cutToWidth(`  ${padToWidth(time(ms), width, 'left')}  ${padToWidth(share, 5, 'left')}  ${oneLine(text)}`, WIDTH);
      return index === named.length ? paint.quiet(line) : line;
    }),
    ...(cpuMs === undefined ? [] : [paint.quiet(`pgprov itself used ${time(cpuMs)} of processor time.`)]),
  ];
}

function phaseLines(timings: Timings, time: TimeFormat, paint: Paint): string[] {
  const { totalMs, hosts } = timings;
  const many = hosts.length > ALL_HOSTS;
  const phases = timings.phases.filter(({ fromMs, toMs }) => time(toMs - fromMs) !== time(0));
  if (phases.length === 0) return [];
  const columns = (width: number): Parameters<typeof renderTable>[0] => [
    { title: 'in order', cells: phases.map(({ title }) => padToWidth(cutToWidth(printable(title), width), width)) },
    { title: 'took', cells: phases.map(({ fromMs, toMs }) => time(toMs - fromMs)), align: 'right' },
    { title: 'when', cells: phases.map(({ fromMs, toMs }) => paint.active(drawLine(fromMs / totalMs, toMs / totalMs))) },
    { title: 'slowest', cells: phases.map(({ slowest }) => (slowest === undefined ? '' : cutToWidth(slowest.host, HOST_WIDTH))) },
    { title: '', cells: phases.map(({ slowest }) => (slowest === undefined ? '' : time(slowest.ms))), align: 'right' },
    { title: 'median', cells: phases.map(({ medianMs }) => (many && medianMs !== undefined ? time(medianMs) : '')), align: 'right' },
  ];
  const others = widestOf(renderTable(columns(0), (text) => text)) - 'in order'.length;
  const [head = '', ...lines] = renderTable(columns(WIDTH - others), paint.quiet);
  return [
    head,
    ...lines.flatMap((line, index) => [line, ...partLines(phases[index], totalMs, time, many).map((part) => paint.quiet(part))]),
  ];
}

/** What the slowest host's time was made of, below the line of the phase. */
function partLines(phase: TimedPhase | undefined, totalMs: number, time: TimeFormat, many: boolean): string[] {
  if (phase === undefined) return [];
  const { parts, slowest, fromMs, toMs } = phase;
  const least = Math.max((slowest?.ms ?? toMs - fromMs) * SHARE_OF_PHASE, totalMs * SHARE_OF_RUN);
  const named = parts.filter(({ ms }) => ms >= least).slice(0, MOST_PARTS);
  const restMs = totalOf(parts.slice(named.length));
  const others: SpreadPart[] =
    named.length > 0 && restMs >= least ? [{ title: count(parts.length - named.length, 'shorter thing'), ms: restMs }] : [];
  return [...named, ...others].map((part) => {
    const middle = many && part.medianMs !== undefined ? `  median ${time(part.medianMs)}` : '';
    const start = `${INDENT}${padToWidth(time(part.ms), time(totalMs).length, 'left')}  `;
    const room = WIDTH - start.length - middle.length;
    return (start + padToWidth(cutToWidth(oneLine(part.title), room), room) + middle).trimEnd();
  });
}

function oneLine(text: string): string {
  return printable(text).replaceAll('\n', ' ');
}

/** When something went on, as a stretch of the whole run. */
function drawLine(from: number, to: number): string {
  const first = Math.min(LINE - 1, Math.floor(from * LINE));
  const last = Math.max(first + 1, Math.min(LINE, Math.round(to * LINE)));
  return ' '.repeat(first) + '━'.repeat(last - first);
}

function hostLines(hosts: readonly HostTimes[], time: TimeFormat, paint: Paint): string[] {
  const shown = hosts.length <= ALL_HOSTS ? hosts : hosts.slice(0, SLOWEST_HOSTS);
  const middle = hosts.length <= ALL_HOSTS ? [] : [medianHost(hosts)];
  const all = [...shown, ...middle];
  const times = (of: (host: HostTimes) => number): string[] =>
    all.every((host) => of(host) === 0) ? all.map(() => '') : all.map((host) => time(of(host)));
  return renderTable(
    [
      { title: 'host', cells: all.map(({ host }, index) => (index < shown.length ? paint.strong(cutToWidth(host, HOST_WIDTH)) : host)) },
      { title: 'connect', cells: times(({ connectMs }) => connectMs), align: 'right' },
      { title: 'in line', cells: times(({ queuedMs }) => queuedMs), align: 'right' },
      { title: 'first look', cells: times(({ surveyMs }) => surveyMs), align: 'right' },
      { title: 'stages', cells: times(({ stagesMs }) => stagesMs), align: 'right' },
      { title: 'last look', cells: times(({ surveyAgainMs }) => surveyAgainMs), align: 'right' },
      { title: 'scripts', cells: all.map(({ scripts }) => String(scripts)), align: 'right' },
    ],
    paint.quiet,
  );
}

function medianHost(hosts: readonly HostTimes[]): HostTimes {
  const middle = (of: (host: HostTimes) => number): number => median(hosts.map(of));
  return {
    host: `median of ${hosts.length}`,
    connectMs: middle(({ connectMs }) => connectMs),
    queuedMs: middle(({ queuedMs }) => queuedMs),
    surveyMs: middle(({ surveyMs }) => surveyMs),
    stagesMs: middle(({ stagesMs }) => stagesMs),
    surveyAgainMs: middle(({ surveyAgainMs }) => surveyAgainMs),
    goodbyeMs: middle(({ goodbyeMs }) => goodbyeMs),
    scripts: middle(({ scripts }) => scripts),
  };
}
