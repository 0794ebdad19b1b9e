import { describe, expect, it } from 'vitest';
import { asPgprovError, ExitCode, InputError, LockedError, PgprovError, RefusedError, UnreachableError } from '../../src/lib/errors.js';

const details = { kind: 'area/what', message: 'it broke', hint: 'mend it', host: 'pg1' };

describe('errors', () => {
  it.each([
    { type: PgprovError, exitCode: 1 },
    { type: InputError, exitCode: 2 },
    { type: UnreachableError, exitCode: 3 },
    { type: RefusedError, exitCode: 4 },
    { type: LockedError, exitCode: 5 },
  ])('of type $type.name exit with $exitCode', ({ type, exitCode }) => {
    const cause = new Error('below');
    const error = new type({ ...details, cause });
    expect(error).toBeInstanceOf(PgprovError);
    expect(error).toMatchObject({ name: 'PgprovError', ...details, exitCode, cause });
  });

  it('have exit codes that are part of the interface', () => {
    expect(ExitCode).toEqual({
      done: 0,
      hostFailed: 1,
      badInput: 2,
      unreachable: 3,
      refused: 4,
      locked: 5,
      changes: 6,
      expiring: 7,
      interrupted: 130,
    });
  });

  it('omit what is missing', () => {
    const error = new PgprovError({ kind: 'a/b', message: 'm' });
    expect([error.hint, error.host, error.cause]).toEqual([undefined, undefined, undefined]);
    expect('cause' in error).toBe(false);
  });
});

describe('asPgprovError', () => {
  it('keeps a PgprovError', () => {
    const error = new InputError(details);
    expect(asPgprovError(error, 'pg2')).toBe(error);
  });

  it.each([
    { thrown: new TypeError('x is undefined'), message: 'unexpected error: x is undefined' },
    { thrown: 'text', message: 'unexpected error: text' },
    { thrown: undefined, message: 'unexpected error: undefined' },
    { thrown: null, message: 'unexpected error: null' },
  ])('wraps $thrown', ({ thrown, message }) => {
    expect(asPgprovError(thrown, 'pg2')).toMatchObject({ kind: 'internal/unexpected', message, host: 'pg2', exitCode: 1 });
    expect(asPgprovError(thrown).host).toBeUndefined();
  });
});
