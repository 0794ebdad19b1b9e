import type { Evidence, Examination, LoggedLine } from '../../index.js';

/** What Patroni writes once a loop while a member works. */
const ROUTINE = /INFO: no action\. I am \(/u;

/** A line of a log as evidence. */
export function asEvidence({ host, at, unit, text }: LoggedLine): Evidence {
  return { host, at, source: `log of ${unit}`, line: text };
}

/** When Patroni of a host said last that nothing is to be done, in milliseconds; undefined: not as far back as its log was read. */
export function workedLast(examination: Examination, host: string): number | undefined {
  return examination.log(host, 'patroni').findLast(({ text }) => ROUTINE.test(text))?.at;
}

/**
 * The lines of a host that match and were not overcome: none of those that came before the member last worked, or before a later line that
 * matches `over`. So what went wrong yesterday and is well today is not found.
 */
export function standingLines(
  examination: Examination,
  host: string,
  { units, pattern, over }: { units: readonly string[]; pattern: RegExp; over?: RegExp },
): readonly LoggedLine[] {
  const lines = examination.log(host, ...units);
  const overcome = over === undefined ? undefined : lines.findLast(({ text }) => over.test(text))?.at;
  const after = Math.max(workedLast(examination, host) ?? 0, overcome ?? 0);
  return lines.filter(({ at, text }) => at > after && pattern.test(text));
}

/** Units whose logs have what PostgreSQL says: of a process that ended at once the journal no longer knows that it was PostgreSQL. */
export const POSTGRESQL_LOGS: readonly string[] = ['postgresql', 'patroni'];

/** In a client's own words: it quotes what its server said when it was refused, a standby in its own log. */
export const QUOTED_REFUSAL = /connection to server|could not connect to the primary/u;

/** The server takes connections. */
export const STARTED = /database system is ready to accept/u;

/** Somebody has a server stop: what it says from then on is of its end. */
const STOPS = /received (?:smart|fast|immediate) shutdown request/u;

/** Patroni, or the server itself, begins a start. */
const BEGINS = /postmaster pid=|starting PostgreSQL \d/u;

/** Milliseconds by which the first words of a server may come before Patroni's word of its number. */
const ITS_FIRST_WORDS = 1000;

/** Since when a server that is down was tried to be started, in milliseconds since 1970; undefined: it was not, since it last worked. */
export function triedSince(examination: Examination, host: string): number | undefined {
  const lines = examination.log(host, ...POSTGRESQL_LOGS);
  const worked = lines.findLast(({ text }) => STARTED.test(text) || STOPS.test(text))?.at;
  if (worked === undefined) return 0;
  const begun = lines.find(({ at, text }) => at > worked && BEGINS.test(text))?.at;
  return begun === undefined ? undefined : Math.max(worked, begun - ITS_FIRST_WORDS);
}

/** A standby receives WAL. */
export const STREAMS = /started streaming WAL from primary|restarted WAL streaming/u;

/**
 * The lines of a host that match and came after the last one that matches `over`; with `within` none older than so many milliseconds. Unlike
 * `standingLines` it does not ask whether the member works: it is for what a member that works suffers from.
 */
export function linesSince(
  examination: Examination,
  host: string,
  { units, pattern, over, within = Infinity }: { units: readonly string[]; pattern: RegExp; over?: RegExp; within?: number },
): readonly LoggedLine[] {
  const lines = examination.log(host, ...units);
  const overcome = over === undefined ? undefined : lines.findLast(({ text }) => over.test(text))?.at;
  const after = Math.max(overcome ?? 0, examination.now - within);
  return lines.filter(({ at, text }) => at > after && pattern.test(text));
}

/** Milliseconds; a standby that does not get on tries again every few seconds, and a copy or rewind between two tries takes its time. */
const BETWEEN_TRIES = 60_000;

/** A standby has the leader's data, or its timeline, anew. */
export const MADE_ANEW = /replica has been created using|pg_rewind exit code=0/u;

/**
 * The lines of a standby that match, of the tries that have not come to an end: its receiver says that it streams before its sender finds that
 * it cannot, so that only one that has streamed for a while has overcome it.
 */
export function linesOfTries(examination: Examination, host: string, pattern: RegExp): readonly LoggedLine[] {
  const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern, over: MADE_ANEW });
  const last = lines.at(-1);
  const streamed = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: STREAMS }).at(-1);
  if (last === undefined || (streamed !== undefined && streamed.at > last.at + BETWEEN_TRIES)) return [];
  const before = lines.findLastIndex(({ at }, index) => index > 0 && at - (lines[index - 1]?.at ?? at) > BETWEEN_TRIES);
  return lines.slice(Math.max(0, before));
}

/** When the first of these lines came, as the `since` of a finding; absent where there are none. */
export function sinceFirst([first]: readonly LoggedLine[]): { since?: number } {
  return first === undefined ? {} : { since: first.at };
}

/** What PostgreSQL adds to a sentence of its own: the hints and details that follow a line at the same moment. */
export function withDetails(examination: Examination, line: LoggedLine): LoggedLine[] {
  const lines = examination.log(line.host, ...POSTGRESQL_LOGS);
  const at = lines.findIndex((each) => each.at === line.at && each.text === line.text);
  const after = lines.slice(at + 1, at + 4);
  const end = after.findIndex(({ text, at: time }) => !/(DETAIL|HINT): /u.test(text) || time - line.at > AT_ONCE);
  return [line, ...(end < 0 ? after : after.slice(0, end))];
}

/** Milliseconds within which lines belong together. */
const AT_ONCE = 1000;

/** A span of time in words, to be read at a glance. */
export function spanWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
