import { stripVTControlCharacters } from 'node:util';
import type { Times } from './longest-first.js';
import type { Sums } from './spendings.js';

/** How a run ended. */
export interface Counts {
  passed: number;
  /** Failed tests, files that could not be run, and errors outside of tests. */
  failed: number;
  skipped: number;
}

/** One test file of a run. */
export interface TimedFile {
  name: string;
  /** Milliseconds from its worker's start to its end. */
  ms: number;
}

const SHOWN = 10;

/** Seconds from which the time of a file without hosts is kept; shorter ones come last in any order. */
const LONG = 2;

/** What a run ends with, before the closing line: the slowest files, and where the time of all files went. */
export function renderEnd(files: readonly TimedFile[], sums: Sums, beside: number): string[] {
  const slowest = [...files].sort((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const all = files.reduce((sum, { ms }) => sum + ms, 0);
  const rest = Math.max(0, all - sums.images - sums.packages - sums.waiting);
  return [
    files.length > SHOWN ? `The ${SHOWN} slowest of ${files.length} files:` : 'The files, the slowest first:',
    ...slowest.map(({ name, ms }) => `${duration(ms)}  ${name}`),
    'Where the time of all files went, summed over the workers:',
    `${duration(sums.images)}  images: until the images of hosts and the package mirror were there`,
    `${duration(sums.packages)}  packages: pgprov at packages and their repositories, on at least one host`,
    `${duration(sums.waiting)}  waiting: hosts booting, gates of pgprov, expect.poll`,
    `${duration(rest)}  tests: the rest`,
    ...(beside >= 1000 ? [`Beside the tests, building images took ${duration(beside).trim()}.`] : []),
  ];
}

/** A test that failed, or a file that could not be run. */
export interface Failure {
  /** The file and the titles that lead to the test, joined by ` > `. */
  name: string;
  message: string;
}

/** Lines that are shown of a message, from its beginning and from its end. */
const ENDS = 4;
const WIDEST = 200;

/**
 * What failed, each with the beginning and the end of its message: who has only the last lines of a run must be able to tell what broke.
 */
export function renderFailures(failures: readonly Failure[]): string[] {
  if (failures.length === 0) return [];
  return ['Failed:', ...failures.flatMap(({ name, message }) => [`  ${name}`, ...endsOf(message).map((line) => `    ${line}`)])];
}

function endsOf(message: string): string[] {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .map((line) => (line.length > WIDEST ? `${line.slice(0, WIDEST)}…` : line));
  if (lines.length <= 2 * ENDS + 1) return lines;
  return [...lines.slice(0, ENDS), `… ${lines.length - 2 * ENDS} lines …`, ...lines.slice(-ENDS)];
}

/** The last line of a run. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Whether a run with these counts is a success; one in which nothing ran is none. */
export function isSuccess({ passed, failed }: Counts): boolean {
  return passed > 0 && failed === 0;
}

/**
 * Times with those of a run's files in their place, all that have hosts and of the others those that took long; in whole seconds and in the
 * order of the names.
 */
export function withTimesOf(times: Times, files: readonly TimedFile[]): Times {
  const measured = new Map(files.map(({ name, ms }) => [name, Math.round(ms / 1000)]));
  const isKept = (name: string, seconds: number): boolean => seconds >= LONG || /^(?:integration|matrix)\//u.test(name);
  const before = Object.entries(times).filter(([name]) => !measured.has(name));
  const all = [...before, ...[...measured].filter(([name, seconds]) => isKept(name, seconds))];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `12 min 05 s` or `7 s`, right-aligned. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return (minutes === 0 ? `${seconds} s` : `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`).padStart(12);
}
