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

/** The server takes connections. */
export const STARTED = /database system is ready to accept/u;

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
