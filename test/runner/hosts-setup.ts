import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';
import { patience, patienceFactor } from '../support/patience.js';
import { HOOK_LIMIT, TEST_LIMIT } from './limits.js';
import { measureFactor } from './machine.js';

/**
 * Runs in each worker before a test file that has hosts. The first measures the machine once more, since minutes after the
 * start of the run it may have become slower, and the others take what it found; the larger factor counts.
 */
const file = `${process.env['PGPROV_SPENT'] ?? ''}.factor`;

if ((process.env['PGPROV_SPENT'] ?? '') !== '') {
  if (isFirst()) {
    writeFileSync(`${file}.new`, String(measureFactor()));
    renameSync(`${file}.new`, file);
  }
  while (!existsSync(file)) await sleep(50);
  const factor = Math.max(patienceFactor(), Number(readFileSync(file, 'utf8')));
  process.env['PGPROV_PATIENCE'] = String(factor);
  vi.setConfig({ testTimeout: patience(TEST_LIMIT), hookTimeout: patience(HOOK_LIMIT) });
}

function isFirst(): boolean {
  try {
    closeSync(openSync(`${file}.first`, 'wx'));
    return true;
  } catch {
    return false;
  }
}
