import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { CHECKOUT } from '../lab/paths.js';

/**
 * The file with the seconds that test files took, by their paths in test/: all that have hosts, and others that take long; `npm run
 * test:times` writes it.
 */
export const TIMES = join(CHECKOUT, 'test', 'runner', 'times.json');

/** The seconds that files took. */
export type Times = Record<string, number>;

/** The projects whose files have hosts. */
export const WITH_HOSTS: readonly string[] = ['integration', 'matrix'];

/** A test file's name in `TIMES`, such as `integration/wait`. */
export function nameOf(moduleId: string): string {
  return relative(join(CHECKOUT, 'test'), moduleId).replace(/\.test\.ts$/u, '');
}

/** The measured times. */
export function readTimes(): Times {
  return JSON.parse(readFileSync(TIMES, 'utf8')) as Times;
}

/**
 * Begins with what takes longest, so that no worker is without work at the end: each takes the next file when it is done with one. In
 * a fresh checkout Vitest takes files in the order of their sizes, which tell little.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return byLength(await super.sort(files), readTimes());
  }
}

/**
 * Files without hosts first, those that take long before the others, which stay in the order they have; then those with hosts, where one
 * that was never measured counts as long.
 */
export function byLength<File extends { moduleId: string; project: { name: string } }>(files: readonly File[], times: Times): File[] {
  const withHosts = ({ project }: File): boolean => WITH_HOSTS.includes(project.name);
  const seconds = (file: File): number => times[nameOf(file.moduleId)] ?? (withHosts(file) ? Number.MAX_VALUE : 0);
  return [...files].sort((a, b) => Number(withHosts(a)) - Number(withHosts(b)) || seconds(b) - seconds(a));
}
