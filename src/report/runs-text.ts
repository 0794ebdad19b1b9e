import type { RunEvent } from '../events.js';
import type { ErrorLook } from './error-text.js';
import { formatDuration } from './duration.js';
import { makePaint, type Paint } from './paint.js';
import { mapEvent } from './map-event.js';
import { PlainLines } from './plain.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { count, listNames } from './words.js';
import { cutToWidth, widestOf } from './width.js';

/** A table is no wider. */
const WIDTH = 100;

/** With less than so many columns left for the command and the place nothing of them could be read. */
const LEAST = 24;

const SPACE = '  ';

/** One run of a list of runs. */
export interface ListedRun {
  id: string;
  /** When it started; undefined when its journal does not say. */
  at: Date | undefined;
  ms: number;
  /** `apply --host pg1` */
  command: string;
  /** `done`, `failed`, `broke off`, … */
  ending: string;
  changes: number;
  broke: readonly { host?: string; stage?: string }[];
}

/** Runs as a table, in the order given. */
export function renderRuns(runs: readonly ListedRun[], { color, now, columns = Infinity }: ErrorLook & { now: Date }): string {
  const paint = makePaint(color);
  const fixed = [
    { title: 'run', cells: runs.map(({ id }) => id) },
    { title: 'started', cells: runs.map(({ at }) => (at === undefined ? '-' : ago(now.getTime() - at.getTime()))) },
    { title: 'took', cells: runs.map(({ ms }) => formatDuration(ms)), align: 'right' as const },
    { title: 'ended', cells: runs.map(({ ending }) => paintEnding(ending, paint)) },
    { title: 'changes', cells: runs.map(({ changes }) => String(changes)), align: 'right' as const },
  ];
  const [commands, places] = [runs.map(({ command }) => printable(command)), runs.map(({ broke }) => printable(placesText(broke)))];
  const left =
    Math.min(WIDTH, columns) - fixed.reduce((sum, { title, cells }) => sum + widestOf([title, ...cells]) + SPACE.length, 0) - SPACE.length;
  const [commandWidth, placeWidth] =
    columns < WIDTH && left < LEAST
      ? [Infinity, Infinity]
      : share(left, widestOf(['command', ...commands]), widestOf(['broke at', ...places]));
  const table = renderTable(
    [
      ...fixed,
      { title: 'command', cells: commands.map((text) => cutToWidth(text, commandWidth)) },
      { title: 'broke at', cells: places.map((text) => cutToWidth(text, placeWidth)) },
    ],
    paint.quiet,
    columns,
  );
  return table.join('\n');
}

/** Both get what they want when there is room; else neither takes more than half while the other needs it. */
function share(width: number, first: number, second: number): [number, number] {
  if (first + second <= width) return [first, second];
  const half = Math.floor(width / 2);
  if (first <= half) return [first, width - first];
  if (second <= width - half) return [width - second, second];
  return [half, width - half];
}

/** `pg1, pg2 etcd/start; pg3 survey`. */
export function placesText(places: readonly { host?: string; stage?: string }[]): string {
  const stages = new Map<string, string[]>();
  for (const { host, stage = '' } of places) {
    const hosts = stages.get(stage) ?? [];
    stages.set(stage, hosts);
    if (host !== undefined && !hosts.includes(host)) hosts.push(host);
  }
  return [...stages].map(([stage, hosts]) => [listNames(hosts, 3), stage].filter((part) => part !== '').join(' ')).join('; ');
}

/** The times of events as columns of a replay have them, UTC like the ids. */
function clock(at: string): string {
  return at.slice(11, 19);
}

/** Of the time and what sets it off. */
const CLOCK_COLUMNS = 10;

/** A run as plain lines, each with the time it came. */
export function replayRun(events: readonly (RunEvent & { at: string })[], { color, columns = Infinity }: ErrorLook): string[] {
  const paint = makePaint(color);
  const lines = new PlainLines(color, columns - CLOCK_COLUMNS);
  return events.flatMap(({ at, ...event }) =>
    lines
      .of(mapEvent(event, printable))
      .flatMap((text) => text.split('\n'))
      .map((line) => (line === '' ? '' : `${paint.quiet(clock(at))}  ${line}`)),
  );
}

/** What stands above and below a replay. */
export interface RunFrame extends ListedRun {
  /** `ann@laptop (process 4711)`; undefined when the journal does not say. */
  by: string | undefined;
  version: string | undefined;
  inventory: string | undefined;
  resumes: string | undefined;
  follows: string | undefined;
  plan: string | undefined;
}

/** The lines above a replay. */
export function renderRunHead(run: RunFrame, { color }: { color: boolean }): string[] {
  const paint = makePaint(color);
  const rows: [string, string | undefined][] = [
    [
      'started',
      run.at === undefined
        ? undefined
        : `${run.at.toISOString().slice(0, 19).replace('T', ' ')} UTC${run.by === undefined ? '' : ` by ${run.by}`}`,
    ],
    ['command', `pgprov ${run.command}`],
    ['inventory', run.inventory],
    ['plan', run.plan],
    ['resumes', run.resumes],
    ['follows', run.follows],
    ['version', run.version],
    ['ended', `${paintEnding(run.ending, paint)} after ${formatDuration(run.ms)}, ${count(run.changes, 'change')}`],
    ['broke at', run.broke.length === 0 ? undefined : placesText(run.broke)],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = widestOf(shown.map(([title]) => title));
  return [paint.strong(`run ${run.id}`), ...shown.map(([title, text]) => `${SPACE}${paint.quiet(title.padEnd(width))}  ${text}`)];
}

function paintEnding(ending: string, paint: Paint): string {
  if (ending === 'done') return paint.ok(ending);
  if (ending === 'running') return paint.active(ending);
  return ending === 'interrupted' || ending === 'unknown' ? paint.changed(ending) : paint.failed(ending);
}

/** `just now`, `5 min ago`, `3 h ago`, `12 days ago`; the id has the exact time. */
function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}
