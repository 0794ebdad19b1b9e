import type { PgprovError } from '../../lib/errors.js';
import { groupBy } from '../../lib/group-by.js';
import { splitMessage } from '../error-text.js';
import { interruptedText, leftText } from '../interruption-text.js';
import { sharedRemarks } from '../recap.js';
import { stageTitles } from '../stage-titles.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType } from '../timings.js';
import { count, listNames, withoutHost } from '../words.js';

/** Something that went wrong, and what to do about it. */
interface Failure {
  place: string;
  what: string;
  /** What the host said about it. */
  quote: string;
  hint: string;
}

/** What went wrong, what was left out for it, and what to know besides. */
export interface FailuresView {
  failures: readonly Failure[];
  skipped: readonly string[];
  warnings: readonly string[];
  remarks: readonly string[];
  /** What hosts said while they were waited for. */
  notes: readonly { place: string; text: string }[];
  notesAmount: string;
  /** There is something of the last three. */
  toKnow: boolean;
}

/** Names of hosts in a line; the others are counted. */
const MOST_HOSTS = 8;

/** Everything in a run that calls for somebody's attention. */
export function viewFailures(events: readonly TimedEvent[]): FailuresView {
  const stages = stageTitles(events);
  const titleOf = (id: string | undefined): string | undefined => (id === undefined ? undefined : (stages.get(id) ?? id));
  const nameOf = (id: string): string => titleOf(id) ?? id;
  const warnings = [
    ...ofType(events, 'warning').map(({ host, text }) => (host === undefined ? text : `${host}: ${text}`)),
    ...ofType(events, 'interrupted').map((event) => interruptedText(event, nameOf)),
    ...ofType(events, 'left').map((event) => leftText(event, nameOf)),
  ];
  const remarks = ofType(events, 'run-end').flatMap(({ recap }) => sharedRemarks(recap));
  const notes = ofType(events, 'note').map(({ host, stage, text }) => ({ place: placeOf(host, titleOf(stage)), text }));
  return {
    failures: together(
      events.flatMap((event) => {
        if (event.type === 'failed') return [failure(event.error, event.error.host, undefined)];
        if (event.type !== 'step-end' || event.result !== 'failed') return [];
        return [failure(event.error, event.host, titleOf(event.stage))];
      }),
    ),
    skipped: skippedLines(
      ofType(events, 'step-end').filter(({ result }) => result === 'skipped'),
      titleOf,
    ),
    warnings,
    remarks,
    notes,
    notesAmount: count(notes.length, 'note'),
    toKnow: warnings.length + remarks.length + notes.length > 0,
  };
}

/** A failure of one host, or of none. */
interface HostFailure extends Omit<Failure, 'place'> {
  host: string | undefined;
  stage: string | undefined;
}

function failure(error: PgprovError | undefined, host: string | undefined, stage: string | undefined): HostFailure {
  const { first, rest } = error === undefined ? { first: 'failed', rest: [] } : splitMessage(error);
  return { host, stage, what: withoutHost(first, host), quote: rest.join('\n'), hint: error?.hint ?? '' };
}

/** What failed alike on several hosts is reported once. */
function together(failures: readonly HostFailure[]): Failure[] {
  return [...groupBy(failures, ({ stage, what, quote, hint }) => JSON.stringify([stage, what, quote, hint])).values()].map((alike) => {
    const hosts = alike.flatMap(({ host }) => host ?? []);
    const { stage, what, quote, hint } = alike[0];
    return { place: placeOf(hosts.length === 0 ? undefined : listNames(hosts, MOST_HOSTS), stage), what, quote, hint };
  });
}

function placeOf(host: string | undefined, stage: string | undefined): string {
  return [host, stage].filter((part) => part !== undefined).join(' · ');
}

/** A line for each stage and reason. */
function skippedLines(
  ends: readonly { host: string; stage: string; reason?: string }[],
  titleOf: (id: string) => string | undefined,
): string[] {
  const alike = groupBy(ends, ({ stage, reason }) => `${titleOf(stage)}${reason === undefined ? '' : ` (${reason})`}`);
  return [...alike].map(
    ([what, group]) =>
      `${what}: ${listNames(
        group.map(({ host }) => host),
        MOST_HOSTS,
      )}`,
  );
}
