import type { StepResult } from '../events.js';
import { formatElapsed, timeSuffix } from './duration.js';
import { errorSummary } from './error-text.js';
import { symbols, type Paint } from './paint.js';
import type { HostProgress, HostEnd, Phase } from './run-state.js';
import type { TreeLine, TreeMoment } from './tree-types.js';
import { cutToWidth, displayWidth } from './width.js';
import { firstLine, listNames, namesOnly } from './words.js';

/** Hosts that get a line of their own; with more of them, those that ended are reported together. */
const MOST_HOSTS = 8;

/** Of many hosts, how many that failed get a line of their own. */
const MOST_FAILED = 4;

/** The most lines below a phase's heading: the hosts, one line for each way to be one of many, and one for a gap in writes. */
export const MOST_ROWS = MOST_HOSTS + 7;

/** Columns before a detail, and the last one, which stays free. */
const DETAIL_INDENT = 7;

const BETWEEN = ' · ';

/** Columns that are left to what is being done beside what the host says of it. */
const LEAST_DOING = 16;

/** How many hosts a line about several names before it is cut to the width of the terminal. */
const NAMED_HOSTS = 20;

/**
 * The lines below a phase's heading: none once it has ended and nothing in it is worth a line.
 * @param all names of all hosts of the run
 */
export function hostRows(phase: Phase, all: readonly string[], moment: TreeMoment, paint: Paint): TreeLine[] {
  const entries = phase.hosts.flatMap((host) => {
    const part = phase.parts.get(host);
    return part === undefined ? [] : [{ host, part }];
  });
  const open = entries.filter(({ part }) => part.end === undefined);
  const dull = entries.every(({ part }) => part.end?.result === 'ok' || part.end?.result === 'skipped');
  if (dull && (phase.ended || moment.closed)) return [];
  const row = ({ host, part }: { host: string; part: HostProgress }): TreeLine =>
    hostRow(host, { title: phase.title, alone: namesOnly(phase.title, [host], all) }, part, moment, paint);
  if (phase.hosts.length <= MOST_HOSTS) return entries.map(row);

  const failed = entries.filter(({ part }) => part.end?.result === 'failed');
  const shownFailed = failed.slice(0, MOST_FAILED);
  const shownOpen = open.slice(0, MOST_HOSTS - shownFailed.length);
  const hosts = (of: readonly { host: string }[]): string[] => of.map(({ host }) => host);
  const ended = (result: StepResult): string[] => hosts(entries.filter(({ part }) => part.end?.result === result));
  return [
    ...shownFailed.map(row),
    ...together(paint.failed(symbols.failed), paint.failed('failed too'), hosts(failed.slice(MOST_FAILED))),
    ...shownOpen.map(row),
    ...together(
      moment.closed ? paint.changed(symbols.unfinished) : paint.active(moment.spinner),
      moment.closed ? 'did not finish either' : 'at work too',
      hosts(open.slice(shownOpen.length)),
    ),
    ...together(paint.changed(symbols.changed), paint.changed('changed'), ended('changed')),
    ...together(paint.ok(symbols.ok), paint.ok('ok'), ended('ok')),
    ...together(paint.skipped(symbols.skipped), paint.skipped('skipped'), ended('skipped')),
  ];
}

function together(mark: string, what: string, hosts: readonly string[]): TreeLine[] {
  return hosts.length === 0 ? [] : [{ mark, text: `${hosts.length} ${what}: ${listNames(hosts, NAMED_HOSTS)}` }];
}

function hostRow(
  host: string,
  { title, alone }: { title: string /** The title names this host and no other. */; alone: boolean },
  part: HostProgress,
  { now, spinner, columns, closed }: TreeMoment,
  paint: Paint,
): TreeLine {
  const text = alone ? title : `${host} · ${title}`;
  if (part.end !== undefined) return endedRow(host, text, part.end, paint);
  if (closed) return { mark: paint.changed(symbols.unfinished), text: `${text} — ${paint.changed('did not finish')}` };
  const elapsed = formatElapsed(now - (part.doing?.since ?? part.startedAt));
  const time = elapsed === '' ? '' : ` (${elapsed})`;
  const what = doingText(title, part, columns - DETAIL_INDENT - displayWidth(time));
  return what === '' ? { mark: paint.active(spinner), text: text + time } : { mark: paint.active(spinner), text, detail: what + time };
}

/** What is being done, unless the title says just that; cut where a long list of packages would leave no room for what the host says of it. */
function doingText(title: string, { doing, note }: HostProgress, columns: number): string {
  const [does, said] = [doing?.text, note].map((told) => (told === undefined ? undefined : firstLine(told)));
  const what = does?.replace(/^waiting until /u, 'wait until ') === title ? undefined : does;
  if (what === undefined || said === undefined) return what ?? said ?? '';
  return `${cutToWidth(what, Math.max(LEAST_DOING, columns - displayWidth(said) - BETWEEN.length))}${BETWEEN}${said}`;
}

function endedRow(host: string, text: string, { result, changes, ms, reason, error }: HostEnd, paint: Paint): TreeLine {
  const time = timeSuffix(ms);
  switch (result) {
    case 'changed':
      return { mark: paint.changed(symbols.changed), text: `${text} — ${paint.changed(`${changes} changed`)}${time}` };
    case 'ok':
      return { mark: paint.ok(symbols.ok), text: `${text} — ${paint.ok('ok')}${time}` };
    case 'skipped':
      return { mark: paint.skipped(symbols.skipped), text: paint.skipped(`${text} — skipped${reason === undefined ? '' : `: ${reason}`}`) };
    case 'failed': {
      const message = error === undefined ? '' : `: ${errorSummary(error, host)}`;
      return { mark: paint.failed(symbols.failed), text: `${text} — ${paint.failed(`failed${message}`)}${time}` };
    }
  }
}
