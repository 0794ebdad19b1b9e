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
    return byLength(await super.sort(files), readTimes(), startsHosts);
  }
}

/** What starts hosts, in the text of a test file. */
const STARTS_HOSTS = /\b(?:TestCluster|WrittenCluster|RecoveringCluster|VagrantLab|Walk|startHosts?)\b/u;

/** Whether a test file that is among those with hosts starts any. */
export function startsHosts(moduleId: string): boolean {
  return STARTS_HOSTS.test(readFileSync(moduleId, 'utf8'));
}

/**
 * Files without hosts first, those that take long before the others, which stay in the order they have; then those with hosts, where one
 * that was never measured counts as long, after those among them that start none and need not wait for images.
 */
export function byLength<File extends { moduleId: string; project: { name: string } }>(
  files: readonly File[],
  times: Times,
  starts: (moduleId: string) => boolean,
): File[] {
  const withHosts = ({ project }: File): boolean => WITH_HOSTS.includes(project.name);
  const seconds = (file: File): number => times[nameOf(file.moduleId)] ?? (withHosts(file) ? Number.MAX_VALUE : 0);
  const stage = (file: File): number => (!withHosts(file) ? 0 : starts(file.moduleId) ? 2 : 1);
  return [...files].sort((a, b) => stage(a) - stage(b) || seconds(b) - seconds(a));
}
