import type { RunEvent } from '../events.js';
import { PgprovError } from '../lib/errors.js';

/** The event with every string in it replaced; errors stay errors, without their cause. */
export function mapEvent(event: RunEvent, change: (text: string) => string): RunEvent {
  return mapValue(event, change) as RunEvent;
}

function mapValue(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((entry) => mapValue(entry, change));
  if (value instanceof PgprovError) return mapError(value, change);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapValue(entry, change)]));
}

function mapError(error: PgprovError, change: (text: string) => string): PgprovError {
  const { kind, message, hint, host, exitCode } = error;
  return new PgprovError({
    kind,
    message: change(message),
    exitCode,
    ...(hint === undefined ? {} : { hint: change(hint) }),
    ...(host === undefined ? {} : { host }),
  });
}
