import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from '../lab/paths.js';
import { MOST_PATIENT } from '../support/patience.js';

/** What slows a machine down, each with a fixed piece of work that takes it; milliseconds. */
export interface MachineTimes {
  /** Hashing in one process. */
  processor: number;
  /** Starting programs. */
  processes: number;
  /** Writing small files to the disk, one after another and each to the end, as package managers do. */
  files: number;
}

/** The file with the times of a quiet machine, which the tests' time limits are written for; `npm run test:machine` writes it. */
export const REFERENCE = join(CHECKOUT, 'test', 'runner', 'reference.json');

const ROUNDS = 4;

const WORK: Readonly<Record<keyof MachineTimes, () => void>> = {
  processor: () => {
    const block = Buffer.alloc(1 << 16);
    const hash = createHash('sha256');
    for (let count = 0; count < 600; count++) hash.update(block);
    hash.digest();
  },
  processes: () => {
    for (let count = 0; count < 15; count++) spawnSync('/bin/sh', ['-c', ':']);
  },
  files: () => {
    // On the disk with the checkout: what is written to /tmp may stay in memory.
    mkdirSync(join(CHECKOUT, '.lab'), { recursive: true });
    const directory = mkdtempSync(join(CHECKOUT, '.lab', 'measure-'));
    const block = Buffer.alloc(1 << 14, 'x');
    try {
      for (let count = 0; count < 40; count++) {
        const draft = join(directory, `${count}.new`);
        const file = openSync(draft, 'w');
        writeSync(file, block);
        if (count % 4 === 0) fsyncSync(file);
        closeSync(file);
        renameSync(draft, join(directory, String(count)));
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/** Does each piece of work a few times; the best times of each, so that one hiccup does not count. Takes about half a second. */
export function measureMachine(rounds = ROUNDS): MachineTimes {
  const best: MachineTimes = { processor: Infinity, processes: Infinity, files: Infinity };
  for (let round = 0; round < rounds; round++) {
    for (const [part, work] of Object.entries(WORK) as [keyof MachineTimes, () => void][]) {
      const began = performance.now();
      work();
      best[part] = Math.min(best[part], performance.now() - began);
    }
  }
  return best;
}

/**
 * How many times slower the times are than those of the reference, in the part that is the slowest; from 1 to `MOST_PATIENT`, in tenths,
 * rounded up.
 */
export function factorOf(times: MachineTimes, reference: MachineTimes): number {
  const slowest = Math.max(...(Object.keys(WORK) as (keyof MachineTimes)[]).map((part) => times[part] / reference[part]));
  return Math.min(Math.max(Math.ceil(slowest * 10) / 10, 1), MOST_PATIENT);
}

/** Measures how many times slower this machine is now than the reference. */
export function measureFactor(): number {
  return factorOf(measureMachine(), JSON.parse(readFileSync(REFERENCE, 'utf8')) as MachineTimes);
}
