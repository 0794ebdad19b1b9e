import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHECKOUT } from '../lab/paths.js';
import { byLength, startsHosts } from './longest-first.js';

test('files without hosts come first, the longest before those that were never measured; then those that start no hosts, and of the others those that were never measured, then the longest', () => {
  const file = (name: string, project: string) => ({ moduleId: join(CHECKOUT, 'test', `${name}.test.ts`), project: { name: project } });
  const files = [
    file('integration/quick', 'integration'),
    file('integration/without', 'integration'),
    file('shell/b', 'unit'),
    file('shell/c', 'unit'),
    file('integration/long', 'integration'),
    file('matrix/new', 'matrix'),
    file('shell/a', 'unit'),
    file('shell/d', 'unit'),
  ];
  const times = { 'integration/quick': 5, 'integration/long': 500, 'shell/a': 9, 'shell/d': 10 };
  const sorted = byLength(files, times, (moduleId) => !moduleId.includes('without'));
  expect(sorted.map(({ moduleId }) => moduleId.replace(/^.*\/test\/|\.test\.ts$/gu, ''))).toEqual([
    'shell/d',
    'shell/a',
    'shell/b',
    'shell/c',
    'integration/without',
    'matrix/new',
    'integration/long',
    'integration/quick',
  ]);
});

test('a file starts hosts when it says so, by itself or through what makes clusters', () => {
  const starts = (name: string): boolean => startsHosts(join(CHECKOUT, 'test', 'integration', `${name}.test.ts`));
  expect(['config', 'switchover', 'recover-store', 'vagrant', 'walk', 'leftovers', 'mirror'].map(starts)).toEqual(Array(7).fill(true));
  expect(['completion', 'init', 'inventory', 'roles-path', 'secrets'].map(starts)).toEqual(Array(5).fill(false));
});
