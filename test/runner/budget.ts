import { MATRIX } from '../support/depth.js';

/**
 * Minutes from a run's start after which no test file with hosts begins any more. CI ends a run after 90, and a file may take a quarter of an hour on a
 * machine on which one is late: a run that skips some files and names them is worth more than one that is cut off. `PGPROV_MINUTES` sets another
 * number; the matrix takes as long as it takes.
 */
export const MINUTES = Number(process.env['PGPROV_MINUTES'] ?? (MATRIX ? Number.POSITIVE_INFINITY : 60));

/** Workers inherit when the run began. */
const BEGAN = 'PGPROV_BEGAN';

/** Notes when the run began, once, for its workers. */
export function noteBeginning(now: number): void {
  process.env[BEGAN] ??= String(now);
}

/** When the run began, in milliseconds since 1970; now where nobody noted it. */
export function beganAt(): number {
  return Number(process.env[BEGAN] ?? Date.now());
}

/** Whether a file that would begin now is left out. */
export function isLate(began: number, now: number, minutes: number = MINUTES): boolean {
  return now - began > minutes * 60_000;
}

/** Where workers note the files that were left out, a line each; undefined where no run looks at it. */
export function leftFile(): string | undefined {
  const spent = process.env['PGPROV_SPENT'] ?? '';
  return spent === '' ? undefined : `${spent}.left`;
}

/** What the end of a run says of the files that were left out; nothing where there are none. */
export function leftOut(names: readonly string[], minutes: number = MINUTES): string[] {
  if (names.length === 0) return [];
  const all = [...names].sort();
  return [
    `Skipped, because the run was over ${minutes} minutes old and this machine is slow (${all.length} files with hosts): ${all.join(', ')}.`,
    `\`npm test -- ${all[0]?.split('/').at(-1)}\` runs one of them; PGPROV_MINUTES=600 gives a run more time.`,
  ];
}
