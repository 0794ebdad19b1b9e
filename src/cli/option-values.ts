import { Option } from 'commander';
import { noChoice, wrongValue } from './usage-error.js';

/** An option with a few values; an unknown one is an error that names the nearest. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices([...choices]);
  return option.argParser((text) => {
    if (choices.includes(text)) return text;
    throw noChoice(option.long ?? flags, text, choices);
  });
}

/**
 * Reads whole numbers.
 * @param option its flag, for the error
 * @param hint what to give instead, in the imperative
 */
export function wholeNumber(
  option: string,
  hint: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = {},
): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^-?\d{1,15}$/u.test(text) && number >= minimum && number <= maximum) return number;
    throw wrongValue(option, text, 'is no number that it takes', hint);
  };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads times such as `90`, `90s`, `10m`, `2h` or `1d` as milliseconds; without a unit they are in seconds.
 * @param option its flag, for the error
 * @param least milliseconds that it has to be at least
 */
export function timeSpan(option: string, least = 0): (text: string) => number {
  return (text) => {
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/u.exec(text.trim()) ?? [];
    const ms = Object.hasOwn(UNITS, unit) ? Number(digits) * (UNITS[unit] ?? Number.NaN) : Number.NaN;
    if (digits === '' || !Number.isFinite(ms)) throw wrongValue(option, text, 'is no time', 'give one such as 30s, 10m, 2h or 1d');
    if (ms < least) throw wrongValue(option, text, 'is too short', `give ${least / 1000} s or more`);
    return ms;
  };
}
