import type { RunEvent } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { flush } from './flush.js';
import type { Reporter, ReportStreams } from './reporter-types.js';

/** JSON lines for programs: one an event, with the time `at` which it came (ISO 8601, UTC), and nothing else. */
export function createJsonReporter({ out }: Pick<ReportStreams, 'out'>, now: () => Date = () => new Date()): Reporter {
  return {
    emit: (event) => {
      out.write(`${toJsonLine(event, now())}\n`);
    },
    close: () => flush(out),
  };
}

/** The event as the line of a program or a journal, without a line feed. */
export function toJsonLine({ type, ...rest }: RunEvent, at: Date): string {
  return JSON.stringify({ type, at: at.toISOString(), ...rest }, (_key, value: unknown) =>
    value instanceof PgprovError ? toPlainError(value) : value,
  );
}

function toPlainError({ kind, message, hint, host, exitCode }: PgprovError): object {
  return { kind, message, hint, host, exitCode };
}
