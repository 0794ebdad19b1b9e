import type { ErrorLook } from './error-text.js';
import { formatDuration } from './duration.js';
import type { HistoryRun, Reign } from './history.js';
import { makePaint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { cutToWidth, displayWidth } from './width.js';
import { count } from './words.js';

/** Columns that come before the last one, with the spaces between. */
const BEFORE = 33;

/** A line of the history, at its time. */
interface Line {
  /** Milliseconds; undefined where it is not known, and the line stays where it is. */
  at: number | undefined;
  timeline: string;
  leader: string;
  what: string;
  /** How it ended, which is seen also where there is no room for all of it. */
  ending?: string;
  id?: string;
}

/** Who led when, with the runs of pgprov in between, the oldest first; times are UTC. */
export function renderHistory(
  reigns: readonly Reign[],
  runs: readonly HistoryRun[],
  { color, columns = Infinity }: ErrorLook,
  now: Date,
): string {
  const paint = makePaint(color);
  const lines = merged(
    reigns.map((reign) => reignLine(reign, runs, now)),
    runs.map((run) => runLine(run)),
  );
  const room = columns - BEFORE - Math.max('leader'.length, ...lines.map(({ leader }) => leader.length));
  const table = renderTable(
    [
      { title: 'time (UTC)', cells: lines.map(({ at }) => (at === undefined ? 'not known' : timeText(at))) },
      { title: 'timeline', cells: lines.map(({ timeline }) => timeline), align: 'right' },
      { title: 'leader', cells: lines.map(({ leader }) => (leader === '' ? '' : paint.strong(printable(leader)))) },
      { title: 'what', cells: lines.map((line) => fitted(line, room < 20 ? Infinity : room)) },
    ],
    paint.quiet,
    columns,
  );
  return table.join('\n');
}

/** What there is room for: an id gives way first, then the end of what comes before the ending. */
function fitted({ what, ending = '', id = '' }: Line, room: number): string {
  const all = printable(`${what}${ending}${id}`);
  if (displayWidth(all) <= room) return all;
  return `${cutToWidth(printable(what), Math.max(LEAST, room - displayWidth(ending)))}${ending}`;
}

/** Columns that a command keeps, however little room there is. */
const LEAST = 12;

/** Both are in order; a line whose time is not known stays before the next one of its kind. */
function merged(reigns: readonly Line[], runs: readonly Line[]): Line[] {
  const dated = runs.filter(({ at }) => at !== undefined).sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const lines: Line[] = [];
  for (const reign of reigns) {
    while (reign.at !== undefined && (dated[0]?.at ?? Infinity) <= reign.at) lines.push(...dated.splice(0, 1));
    lines.push(reign);
  }
  return [...lines, ...dated];
}

function reignLine({ timeline, leader = 'not known', from, until, left, run }: Reign, runs: readonly HistoryRun[], now: Date): Line {
  const at = from === undefined ? undefined : Date.parse(from);
  const isPresent = left === undefined;
  const end = isPresent ? now.getTime() : until === undefined ? undefined : Date.parse(until);
  const time = at === undefined || end === undefined ? '' : ` for ${formatDuration(end - at)}`;
  const by = runs.find(({ id }) => id === run)?.command.split(' ')[0];
  const why = by === undefined ? '' : `, by pgprov ${by}`;
  const rest = isPresent ? '' : `, until ${left.lsn}${/^no recovery target/u.test(left.reason) ? '' : ` (${left.reason})`}`;
  return { at, timeline: String(timeline), leader, what: `${isPresent ? 'leads' : 'led'}${time}${why}${rest}` };
}

function runLine({ id, command, at, ending, changes }: HistoryRun): Line {
  const done = changes === 0 ? ending : `${ending}, ${count(changes, 'change')}`;
  return {
    at: at === undefined ? undefined : Date.parse(at),
    timeline: '',
    leader: '',
    what: command,
    ending: `: ${done}`,
    id: ` (${id})`,
  };
}

/** `2026-11-28 15:03:04` */
function timeText(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
