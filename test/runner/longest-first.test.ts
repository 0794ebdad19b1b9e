import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHECKOUT } from '../lab/paths.js';
import { byLength } from './longest-first.js';

test('files without hosts come first, the longest before those that were never measured; then of those with hosts those that were never measured, then the longest', () => {
  const file = (name: string, project: string) => ({ moduleId: join(CHECKOUT, 'test', `${name}.test.ts`), project: { name: project } });
  const files = [
    file('integration/quick', 'integration'),
    file('shell/b', 'unit'),
    file('shell/c', 'unit'),
    file('integration/long', 'integration'),
    file('matrix/new', 'matrix'),
    file('shell/a', 'unit'),
    file('shell/d', 'unit'),
  ];
  const sorted = byLength(files, { 'integration/quick': 5, 'integration/long': 500, 'shell/a': 9, 'shell/d': 10 });
  expect(sorted.map(({ moduleId }) => moduleId.replace(/^.*\/test\/|\.test\.ts$/gu, ''))).toEqual([
    'shell/d',
    'shell/a',
    'shell/b',
    'shell/c',
    'matrix/new',
    'integration/long',
    'integration/quick',
  ]);
});
