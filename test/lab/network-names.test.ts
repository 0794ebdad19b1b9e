import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CHECKOUT } from './paths.js';

/** The networks that a test file starts hosts in, by the names it writes. */
function networksOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/TestCluster\.start(?:Mixed)?\(\s*'([^']+)'/gu)].map(([, name = '']) => name);
}

it('no two files start hosts in one network: the second one would remove the hosts of the first', () => {
  const files = ['integration', 'matrix'].flatMap((folder) =>
    readdirSync(join(CHECKOUT, 'test', folder))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  const users = new Map<string, Set<string>>();
  for (const file of files) {
    for (const network of networksOf(join(CHECKOUT, 'test', file))) users.set(network, (users.get(network) ?? new Set()).add(file));
  }
  expect(users.size).toBeGreaterThan(20);
  expect([...users].filter(([, by]) => by.size > 1).map(([network, by]) => `${network}: ${[...by].join(', ')}`)).toEqual([]);
});
