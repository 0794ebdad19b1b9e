import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';

it('is the directory of package.json, where the templates are', () => {
  const root = packageRoot();
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({ name: 'pgprov' });
  expect(existsSync(join(root, 'templates'))).toBe(true);
  expect(packageRoot()).toBe(root);
});
