import { InputError, PgprovError, RefusedError, UnreachableError } from '../lib/errors.js';
import type { OperationObjection } from '../plan/operation.js';

/**
 * An objection as the error that a run ends with: exit code 4 where it refuses, 2 where what was given does not fit, 3 where a host that is
 * needed did not answer, 1 where a host is not fit.
 */
export function objectionError({ kind, about = 'data', host, message, hint, error }: OperationObjection): PgprovError {
  const details = { message, hint, ...(host === undefined ? {} : { host }) };
  if (kind === 'refuse') return new RefusedError({ kind: error ?? `refused/${about}`, ...details });
  if (kind === 'input') return new InputError({ kind: error ?? 'operation/input', ...details });
  if (kind === 'unreachable') return new UnreachableError({ kind: error ?? 'operation/unreachable', ...details });
  return new PgprovError({ kind: error ?? 'preflight/failed', ...details });
}
