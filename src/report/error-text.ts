import type { PgprovError } from '../lib/errors.js';
import { makePaint, symbols } from './paint.js';
import { printable } from './printable.js';
import { wrapWords } from './width.js';
import { withoutHost } from './words.js';

/** How errors are shown. */
export interface ErrorLook {
  color: boolean;
  /** Hints are wrapped to so many columns; default: they are as long as they are. */
  columns?: number;
  /** Lines of the terminal that it is printed on. Of a longer text the last ones stay in sight; default: all do. */
  rows?: number;
}

/** An error for people, whole: `error: message`, what the host said, and `→` what to do about it. */
export function renderError(error: PgprovError, look: ErrorLook): string {
  const paint = makePaint(look.color);
  const { first, rest } = splitMessage(error);
  const where = error.host === undefined || first.includes(error.host) ? '' : `${error.host}: `;
  const head = wrapWords(`error: ${where}${first}`, (look.columns ?? Infinity) - REST_INDENT);
  const [begin = '', ...others] = head.map((line, index) => (index === 0 ? line : ' '.repeat(REST_INDENT) + line));
  return [
    begin.replace('error:', paint.failed('error:')),
    ...others,
    ...rest.map((line) => `  ${line}`.trimEnd()),
    ...hintLines(error, look),
  ].join('\n');
}

/** An error below a line that names its host: the first line of its message, then the rest and the hint, indented. */
export function errorParts(error: PgprovError, look: ErrorLook): { first: string; rest: string[] } {
  const { first, rest } = splitMessage(error);
  return {
    first: withoutHost(first, error.host),
    rest: [...rest.map((line) => `  ${line}`.trimEnd()), ...hintLines(error, look)],
  };
}

/**
 * An error in one line below a name of its host: its first line, with the first that the host said where that one only says what could not be
 * done.
 */
export function errorSummary(error: PgprovError, host = error.host): string {
  const { first, rest } = splitMessage(error);
  const what = withoutHost(first, host);
  const said = rest.find((line) => line.trim() !== '')?.trim();
  if (said === undefined || !/(?::| \(exit status \d+\))$/u.test(what)) return what;
  return `${what.replace(/:$/u, '')}: ${said}`;
}

/** Columns before what follows the first line of an error. */
const REST_INDENT = 2;

/** Columns of `  → ` before a hint, and of the indentation of what follows. */
const HINT_INDENT = 4;

function hintLines({ hint }: PgprovError, { color, columns = Infinity }: ErrorLook): string[] {
  if (hint === undefined) return [];
  const [first = '', ...rest] = printable(hint)
    .split('\n')
    .flatMap((line) => wrapWords(line, columns - HINT_INDENT));
  return [`  ${makePaint(color).active(symbols.hint)} ${first}`, ...rest.map((line) => `    ${line}`.trimEnd())];
}

/**
 * The first line of an error's message, and the others. What a host said is quoted with an indentation of its own, of which the first line
 * may have lost its part.
 */
export function splitMessage({ message }: PgprovError): { first: string; rest: string[] } {
  const [first = '', ...rest] = printable(message).trimEnd().split('\n');
  const indents = rest
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => line.length - line.trimStart().length);
  const shared = indents.length === 0 ? Infinity : Math.min(...indents);
  return { first, rest: rest.map((line) => line.slice(Math.min(shared, line.length - line.trimStart().length))) };
}
