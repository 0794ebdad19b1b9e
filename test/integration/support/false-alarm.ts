import { expect } from 'vitest';
import type { DoctorAnswer } from '../../../src/lib/finding.js';
import { sample } from '../../support/depth.js';
import { pgprov } from './pgprov.js';

/** Of so many test files one is asked in each run; in the matrix all are. */
const AMONG = 4;

/**
 * Whatever a test file has done to its cluster: where `pgprov status` calls it healthy at the end, doctor must find nothing that is wrong.
 * @param file of the test, by its path
 */
export async function expectNoFalseAlarm(file: string, inventory: string): Promise<void> {
  const turn = sample(
    Array.from({ length: AMONG }, (_, number) => number),
    1,
    `false alarms ${file}`,
  ).includes(0);
  if (!turn || (await pgprov('status', inventory)).code !== 0) return;
  const { stdout } = await pgprov('doctor', inventory, '--json');
  const { findings } = JSON.parse(stdout) as DoctorAnswer;
  expect(findings.filter(({ level }) => level !== 'notice')).toEqual([]);
}
