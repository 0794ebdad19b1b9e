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
