import { afterEach, expect, it, vi } from 'vitest';
import { printWarnings } from '../../src/cli/inventory.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const usual = { isTTY: process.stderr.isTTY, columns: process.stderr.columns };

afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(process.stderr, usual);
});

it('wraps the warnings of an inventory at the width of the terminal', async () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  Object.assign(process.stderr, { isTTY: true, columns: 40 });
  const message = 'four words of warning '.repeat(6).trim();
  printWarnings({ ...(await inventoryOf(THREE)), warnings: [{ path: '', file: 'i.yml', message }] });
  const lines = written.join('').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(line.replaceAll(/\u001b\[\d+m/gu, '').length).toBeLessThanOrEqual(40);
});
