/** What a time on the command line looks like: with its zone, or from now on. */
export const MOMENT_PATTERN = '\\+\\d{1,5}[smhd]|\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(?::\\d\\d)?(?:Z|[+-]\\d\\d:?\\d\\d)';

/** The same in words that follow "must be". */
export const MOMENT_WORDS = 'a time with its zone, such as 2026-03-04T22:00+01:00, or one from now on, such as +30m';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Reads a time as Patroni takes it: ISO 8601 with a zone, to the second. One that is given from `now` on is in UTC; others keep their zone.
 * Undefined for one that there is not, such as the 30th of February.
 */
export function readMoment(text: string, now: Date): string | undefined {
  const relative = /^\+(?<amount>\d+)(?<unit>[smhd])$/u.exec(text)?.groups;
  if (relative !== undefined) {
    const ms = Number(relative['amount']) * (SECONDS[relative['unit'] ?? ''] ?? 0) * 1000;
    return new Date(now.getTime() + ms).toISOString().replace(/\.\d+Z$/u, '+00:00');
  }
  const given = /^(?<day>\d{4}-\d\d-\d\d)[T ](?<clock>\d\d:\d\d)(?<seconds>:\d\d)?(?:Z|(?<hours>[+-]\d\d):?(?<minutes>\d\d))$/u.exec(
    text,
  )?.groups;
  if (given === undefined) return undefined;
  const { day = '', clock, seconds = ':00', hours = '+00', minutes = '00' } = given;
  const local = new Date(`${day}T${clock}${seconds}Z`);
  // A day that there is not becomes one of the next month.
  if (
    Number.isNaN(local.getTime()) ||
    local.toISOString().slice(0, 10) !== day ||
    Number.isNaN(Date.parse(`${day}T${clock}${seconds}${hours}:${minutes}`))
  )
    return undefined;
  return `${day}T${clock}${seconds}${hours}:${minutes}`;
}

/** `2026-03-04 21:00:00 UTC`; a text that is no time stays as it is. */
export function utcText(moment: string): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
