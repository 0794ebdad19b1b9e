/** Exit codes of the command line; part of the interface, see docs/cli.md. */
export const ExitCode = {
  done: 0,
  hostFailed: 1,
  badInput: 2,
  unreachable: 3,
  refused: 4,
  locked: 5,
  /** There are differences, where a command was asked to say so. */
  changes: 6,
  /** A certificate has expired, or is about to. */
  expiring: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What a PgprovError is made of. */
export interface ErrorDetails {
  /** Stable machine-readable name, `area/what`, e.g. `ssh/host-key-changed`. */
  kind: string;
  /** What went wrong and where, in one sentence. */
  message: string;
  /** What the reader can do about it, in the imperative. */
  hint?: string;
  /** The host it happened on, by its inventory name. */
  host?: string;
  exitCode?: ExitCode;
  cause?: unknown;
}

/** The one error type of the project; everything a user may see is one of these. */
export class PgprovError extends Error {
  readonly kind: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly host: string | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PgprovError';
    this.kind = details.kind;
    this.exitCode = details.exitCode ?? ExitCode.hostFailed;
    this.hint = details.hint;
    this.host = details.host;
  }
}

/** The command line, the inventory or a file named in it is wrong. */
export class InputError extends PgprovError {
  constructor(details: Omit<ErrorDetails, 'exitCode'>) {
    super({ ...details, exitCode: ExitCode.badInput });
  }
}

/** A host could not be reached or would not let us in. */
export class UnreachableError extends PgprovError {
  constructor(details: Omit<ErrorDetails, 'exitCode'>) {
    super({ ...details, exitCode: ExitCode.unreachable });
  }
}

/** Going on could lose or mix up data, or would fail half-way on a host that will not take a change. */
export class RefusedError extends PgprovError {
  constructor(details: Omit<ErrorDetails, 'exitCode'>) {
    super({ ...details, exitCode: ExitCode.refused });
  }
}

/** Another run holds the lock. */
export class LockedError extends PgprovError {
  constructor(details: Omit<ErrorDetails, 'exitCode'>) {
    super({ ...details, exitCode: ExitCode.locked });
  }
}

/** Turns anything thrown into a PgprovError, keeping the original as its cause. */
export function asPgprovError(thrown: unknown, host?: string): PgprovError {
  if (thrown instanceof PgprovError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new PgprovError({
    kind: 'internal/unexpected',
    message: `unexpected error: ${message}`,
    hint: 'this is a defect of pgprov; run again with --debug and report the trace',
    ...(host === undefined ? {} : { host }),
    cause: thrown,
  });
}
