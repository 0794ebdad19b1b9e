import { PgprovError, RefusedError } from '../lib/errors.js';
import type { Objection } from '../plan/role.js';

/** An objection as the error that a run ends with: exit code 4 where it refuses, 1 where a host is not fit. */
export function objectionError({ kind, host, message, hint }: Objection): PgprovError {
  const details = { message, hint, ...(host === undefined ? {} : { host }) };
  return kind === 'refuse'
    ? new RefusedError({ kind: 'refused/data', ...details })
    : new PgprovError({ kind: 'preflight/failed', ...details });
}
