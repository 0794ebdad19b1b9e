/** The largest factor that is believed; on a slower machine tests fail. */
export const MOST_PATIENT = 8;

/**
 * How many times slower this machine is than the one that the time limits are written for; from 1 to `MOST_PATIENT`. The
 * runner measures it and hands it to workers, and to the processes that tests start, as `PGPROV_PATIENCE`; 1 without it.
 * @throws Error when `PGPROV_PATIENCE` is no number from 1 on
 */
export function patienceFactor(env: NodeJS.ProcessEnv = process.env): number {
  const given = env['PGPROV_PATIENCE'] ?? '';
  if (given === '') return 1;
  const factor = Number(given);
  if (!(factor >= 1)) throw new Error(`PGPROV_PATIENCE must be a number from 1 to ${MOST_PATIENT}, not ${JSON.stringify(given)}`);
  return Math.min(factor, MOST_PATIENT);
}

/** A time limit of a test for this machine: the one that a quiet machine needs, in any unit, times the factor, rounded up. */
export function patience(limit: number): number {
  return Math.ceil(limit * patienceFactor());
}
