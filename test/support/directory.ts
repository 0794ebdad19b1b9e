import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';

/** A directory of its own for each test of a file. */
export function freshDirectory(): { readonly path: string; at(...names: string[]): string } {
  const directory = { path: '', at: (...names: string[]) => join(directory.path, ...names) };
  beforeEach(() => {
    directory.path = mkdtempSync(join(tmpdir(), 'pgprov-test-'));
  });
  afterEach(() => rmSync(directory.path, { recursive: true, force: true }));
  return directory;
}

/** A directory that all tests of a file share. */
export function sharedDirectory(): { readonly path: string; at(...names: string[]): string } {
  const directory = { path: '', at: (...names: string[]) => join(directory.path, ...names) };
  beforeAll(() => {
    directory.path = mkdtempSync(join(tmpdir(), 'pgprov-test-'));
  });
  afterAll(() => rmSync(directory.path, { recursive: true, force: true }));
  return directory;
}

/** A new directory each time, for tests that run side by side. */
export function workplaces(): () => string {
  const paths: string[] = [];
  afterAll(() => paths.forEach((path) => rmSync(path, { recursive: true, force: true })));
  return () => {
    const path = mkdtempSync(join(tmpdir(), 'pgprov-test-'));
    paths.push(path);
    return path;
  };
}

/** Owner and group that this user may give to a file; root's own where the tests run as root. */
export const ME = {
  owner: execFileSync('id', ['-un'], { encoding: 'utf8' }).trim(),
  group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim(),
};
