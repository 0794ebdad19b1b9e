import type { HostRecap, LeftOut, RunEvent } from '../events.js';
import { ExitCode } from '../lib/errors.js';
import { groupBy } from '../lib/group-by.js';
import { causeLines, type Failure } from './causes.js';
import { formatDuration } from './duration.js';
import { placesText } from './interruption-text.js';
import { leftOutWords } from './left-out.js';
import { makePaint, type Paint } from './paint.js';
import { count, isLook, listNames } from './words.js';
import { hanging, padToWidth, widestOf, wrapWords } from './width.js';

/** What a recap is made of: the end of a run, and whether it was to change anything. */
export type RecapInput = Pick<Extract<RunEvent, { type: 'run-end' }>, 'exitCode' | 'ms' | 'recap'> & {
  /** `apply`, `plan`, `survey` or an operation; `plan` and `survey` count nothing, so only their failure is worth a line. */
  command: string;
  /** What went wrong, in the order in which it did. */
  failures: readonly Failure[];
  leftOut?: LeftOut | undefined;
  /** The command that continues it where it was interrupted. */
  again?: string | undefined;
};

/** Of more changes that were begun the first are told. */
const MOST_BEGUN = 3;

/** More hosts do not get a line each. */
const MOST_LINES = 20;

/** The end of a report: a line a host, remarks, and how it all ended; empty when there is nothing to say. */
export function renderRecap(
  input: RecapInput,
  {
    color,
    columns = Infinity,
    fewestCauses = 1,
  }: { color: boolean /** Of the terminal. */; columns?: number /** Fewer stand right above. */; fewestCauses?: number },
): string {
  const paint = makePaint(color);
  const applied = !isLook(input.command);
  const blocks = [
    applied ? hostLines(input.recap, paint, columns) : [],
    causeLines(input.failures, { color, columns, fewest: fewestCauses }),
    remarkLines(input.recap, paint, columns),
    applied || input.exitCode !== ExitCode.done ? [lastLine(input, paint, columns)] : [],
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function remarkLines(recap: readonly HostRecap[], paint: Paint, columns: number): string[] {
  return sharedRemarks(recap).flatMap((remark) => hanging(`${paint.changed('remark:')} `, remark, columns));
}

/** The remarks with their hosts, `pg1, pg2: PostgreSQL needs a restart`; one that hosts share is reported once. */
export function sharedRemarks(recap: readonly HostRecap[]): string[] {
  const remarks = [...new Set(recap.flatMap((host) => host.remarks))];
  return remarks.map((remark) => {
    const hosts = recap.filter((entry) => entry.remarks.includes(remark)).map(({ host }) => host);
    return `${listNames(hosts)}: ${remark}`;
  });
}

/** Of many hosts those that went well and alike share a line, so that what failed stays on the screen. */
function hostLines(all: readonly HostRecap[], paint: Paint, columns: number): string[] {
  const alike = new Map<string, HostRecap[]>();
  for (const entry of all) {
    const { host, ok, changed, failed, skipped } = entry;
    const key = all.length <= MOST_LINES || failed > 0 ? host : JSON.stringify([ok, changed, skipped]);
    alike.set(key, [...(alike.get(key) ?? []), entry]);
  }
  const recap = [...alike.values()].flatMap(([first, ...others]) => (first === undefined ? [] : { ...first, others: others.length }));
  const cells = recap.map(({ host, others, ok, changed, failed, skipped }) => ({
    host: others === 0 ? host : `${host} and ${others} more`,
    counts: [
      { text: `ok=${ok}`, style: ok > 0 ? paint.ok : paint.quiet },
      { text: `changed=${changed}`, style: changed > 0 ? paint.changed : paint.quiet },
      { text: `failed=${failed}`, style: failed > 0 ? paint.failed : paint.quiet },
      { text: `skipped=${skipped}`, style: paint.quiet },
    ],
  }));
  const hostWidth = widestOf(cells.map(({ host }) => host));
  const widths = [0, 1, 2, 3].map((index) => widestOf(cells.map(({ counts }) => counts[index]?.text ?? '')));
  const lines = cells.map(({ host, counts }) => [
    padToWidth(host, hostWidth),
    ...counts.map(({ text, style }, index) => style(padToWidth(text, widths[index] ?? 0))),
  ]);
  const spread = lines.map((parts) => parts.join('  ').trimEnd());
  if (widestOf(spread) <= columns) return spread;
  return cells.map(({ host, counts }) => [host, ...counts.map(({ text, style }) => style(text))].join(' '));
}

function lastLine(input: RecapInput, paint: Paint, columns: number): string {
  const { tone, text } = endSentence(input);
  return wrapWords(text, columns)
    .map((line) => paint[tone](line))
    .join('\n');
}

/**
 * How a run ended, in a sentence or two, and in which colour. What failed in a stage may have changed a host in part.
 */
export function endSentence({ command, exitCode, ms, recap, leftOut, again, failures }: RecapInput): {
  tone: 'ok' | 'changed' | 'failed';
  text: string;
} {
  const time = formatDuration(ms);
  const touched = recap.filter(({ changed }) => changed > 0);
  const changes = touched.reduce((sum, { changed }) => sum + changed, 0);
  const made = `${count(changes, 'change')} on ${count(touched.length, 'host')}`;
  const none = failures.some(({ step }) => step !== undefined) ? 'No change was completed.' : 'Nothing was changed.';
  const left = `${changes === 0 ? none : `Made ${made}.`}${begunWords(failures)}`;
  if (exitCode === ExitCode.interrupted)
    return { tone: 'failed', text: `Interrupted after ${time}. ${left} ${atWork(failures)}${continues(again)}` };
  if (exitCode !== ExitCode.done) return { tone: 'failed', text: `Failed: ${reason(exitCode, recap)} (${time}). ${left}` };
  if (changes > 0) return { tone: 'changed', text: `Done in ${time}: ${made}.` };
  if (command !== 'apply') return { tone: 'ok', text: `Done in ${time}: nothing was changed.` };
  return {
    tone: 'ok',
    text: `No changes: ${count(recap.length, 'host is', 'hosts are')} as the inventory says (${time})${leftOutWords(leftOut)}.`,
  };
}

/** Which changes were begun and not completed: a host may be between the two states, and what was stopped for one is down. */
function begunWords(failures: readonly Failure[]): string {
  const begun = failures.flatMap(({ step }) => (step?.begun === undefined ? [] : [{ host: step.host, what: step.begun }]));
  const each = [...groupBy(begun, ({ what }) => what)].map(([what, alike]) => `${what} (${listNames(alike.map(({ host }) => host))})`);
  return each.length === 0 ? '' : ` Begun and not completed: ${listNames(each, MOST_BEGUN)}.`;
}

/** A connection that is lost ends no step on its host; all others were waited for. */
function atWork(failures: readonly Failure[]): string {
  const lost = failures.filter(({ error: { kind }, step }) => kind === 'ssh/connection-lost' && step !== undefined);
  if (lost.length === 0) return 'No step is under way on any host';
  const places = lost.flatMap(({ step }) => (step === undefined ? [] : [{ host: step.host, stage: step.stage }]));
  return `The connection was lost, and this may still go on: ${placesText(places, (id) => id)}`;
}

function continues(again: string | undefined): string {
  return again === undefined ? '. Run the same command again to continue.' : `; \`${again}\` continues.`;
}

function reason(exitCode: ExitCode, recap: readonly HostRecap[]): string {
  const hosts = recap.filter(({ failed }) => failed > 0).map(({ host }) => host);
  const names = hosts.length === 0 ? '' : `: ${listNames(hosts)}`;
  switch (exitCode) {
    case ExitCode.badInput:
      // What is found wrong after changes is a file of this machine that could not be written.
      return recap.some(({ changed }) => changed > 0) ? 'see the errors above' : 'the command line or the inventory is wrong';
    case ExitCode.unreachable:
      return `out of reach${names}`;
    case ExitCode.refused:
      return `refused${names}`;
    case ExitCode.locked:
      return `another run holds the lock${names}`;
    default:
      return hosts.length === 0 ? 'see the errors above' : listNames(hosts);
  }
}
