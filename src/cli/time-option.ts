import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a time such as `90`, `90s`, `10m`, `2h` or `1d` as milliseconds; without a unit it is in seconds.
 * @throws InvalidArgumentError for anything else
 */
export function parseTime(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/u.exec(text.trim()) ?? [];
  const ms = Object.hasOwn(UNITS, unit) ? Number(digits) * (UNITS[unit] ?? Number.NaN) : Number.NaN;
  if (digits === '' || !Number.isFinite(ms)) throw new InvalidArgumentError('give a time such as 30s, 10m, 2h or 1d.');
  return ms;
}

/**
 * The same for a time between two looks, of which there is at least some.
 * @throws InvalidArgumentError for less than half a second
 */
export function parseInterval(text: string): number {
  const ms = parseTime(text);
  if (ms < 500) throw new InvalidArgumentError('give half a second or more.');
  return ms;
}
