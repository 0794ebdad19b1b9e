import type { RunEvent } from '../events.js';
import { type ExitCode, PgprovError } from '../lib/errors.js';
import { flush } from './flush.js';
import type { Reporter, ReportStreams } from './reporter-types.js';
import type { Timings } from './timings.js';

/** Raised when a program that reads the lines could misread what is written; new fields and types of lines do not raise it. */
export const EVENTS_SCHEMA = 1;

/** An error as a line has it. */
export interface ErrorLine {
  /** Stable machine-readable name, `area/what`, e.g. `ssh/host-key-changed`. */
  kind: string;
  /** What went wrong and where; the lines after the first are what the host said. */
  message: string;
  /** What the reader can do about it. */
  hint?: string;
  /** The host it happened on, by its inventory name. */
  host?: string;
  exitCode: ExitCode;
}

/** Where the time went; the last line with `--timings`. */
export interface TimingsLine extends Timings {
  type: 'timings';
}

/** JSON lines for programs: one an event, with the time `at` which it came (ISO 8601, UTC), and nothing else. */
export function createJsonReporter({ out }: Pick<ReportStreams, 'out'>, now: () => Date = () => new Date()): Reporter {
  return {
    emit: (event, at = now()) => {
      out.write(`${toJsonLine(event, at)}\n`);
    },
    close: () => flush(out),
  };
}

/** The event as the line of a program or a journal, without a line feed. */
export function toJsonLine({ type, ...rest }: RunEvent, at: Date): string {
  const head = { type, at: at.toISOString(), ...(type === 'run-start' ? { schema: EVENTS_SCHEMA } : {}) };
  return JSON.stringify({ ...head, ...rest }, (_key, value: unknown) => (value instanceof PgprovError ? toPlainError(value) : value));
}

/** Where the time went as such a line, without a line feed. */
export function timingsLine(timings: Timings, at: Date): string {
  const { type, ...rest }: TimingsLine = { type: 'timings', ...timings };
  return JSON.stringify({ type, at: at.toISOString(), ...rest });
}

function toPlainError({ kind, message, hint, host, exitCode }: PgprovError): ErrorLine {
  return { kind, message, ...(hint === undefined ? {} : { hint }), ...(host === undefined ? {} : { host }), exitCode };
}
