import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';

/** Files below a directory of this project, by their ending. */
function files(directory: string, ending: string): string[] {
  return readdirSync(join(packageRoot(), directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(directory, name));
}

/** Lines that a person may read and paste: all but comments. */
function told(path: string): string[] {
  const lines = readFileSync(join(packageRoot(), path), 'utf8').split('\n');
  return lines.filter((line) => !/^\s*(?:\*|\/\*|\/\/)/u.test(line)).map((line) => `${path}: ${line.trim()}`);
}

it('every printed patronictl command names its configuration file, without which patronictl finds no cluster', () => {
  const lines = [...files('src', '.ts'), ...files('roles', '.ts'), ...files('docs', '.md'), 'README.md'].flatMap(told);
  expect(lines.length).toBeGreaterThan(10_000);
  expect(lines.filter((line) => /`patronictl (?!-c )/u.test(line))).toEqual([]);
});
