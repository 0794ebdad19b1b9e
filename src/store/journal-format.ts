import type { RunEvent } from '../events.js';
import { ExitCode, PgprovError } from '../lib/errors.js';
import type { ProcessIdentity } from './process.js';

/** Raised when a reader of an older version could misread what is written. */
export const JOURNAL_SCHEMA = 1;

/** What a journal's first line says, besides what is the same for every run. */
export interface RunIntent {
  /** `apply` */
  command: string;
  cluster: string;
  /** What the command selects, as it was written: option to words; empty: everything. */
  aim: Readonly<Record<string, readonly string[]>>;
  /** `--set` options; the value of one that holds a secret is `***`. */
  set: readonly string[];
  inventory: {
    /** Absolute path. */
    file: string;
    /** Of the file's bytes, in hexadecimal. */
    sha256: string;
  };
  /** The broken run that this one resumes. */
  resumes?: string;
  /** The run that this one goes on from: the apply whose `--restart` it carries out. */
  follows?: string;
  /** The plan file that was carried out. */
  plan?: string;
  /** It came to an end before it began: nothing was changed, and no operation is to be finished. */
  unbegun?: true;
}

/** A journal's first line. */
export interface RunHead extends RunIntent {
  type: 'journal';
  schema: number;
  /** When the run started, ISO 8601, UTC. */
  at: string;
  id: string;
  /** Version of pgprov. */
  pgprov: string;
  /** Who started it. */
  user: string;
  process: ProcessIdentity;
}

/** An event of a journal, and when it came. */
export type TimedEvent = RunEvent & { at: string };

/** The text that stands for a secret override's value. */
const MASK = '***';

/** True when a recorded `--set` lacks its value. */
export function isMasked(set: string): boolean {
  return set.endsWith(`=${MASK}`);
}

/** The `--set` without its value. */
export function maskOverride(set: string): string {
  return `${overrideKey(set)}=${MASK}`;
}

/** What stands left of a `--set`'s `=`. */
export function overrideKey(set: string): string {
  return set.slice(0, set.indexOf('=')).trim();
}

/** What a line holds; undefined for a torn one, and for what a later version may add. */
export function parseLine(line: string): RunHead | TimedEvent | undefined {
  try {
    const value = JSON.parse(line, revive) as unknown;
    return isRecord(value) && typeof value['type'] === 'string' && typeof value['at'] === 'string'
      ? (value as unknown as RunHead | TimedEvent)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Errors become errors again, so that a report shows them as it did. */
function revive(key: string, value: unknown): unknown {
  if (key !== 'error' || !isRecord(value) || typeof value['kind'] !== 'string') return value;
  const { kind, message, hint, host, exitCode } = value;
  return new PgprovError({
    kind,
    message: String(message),
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof host === 'string' ? { host } : {}),
    exitCode: Object.values(ExitCode).find((code) => code === exitCode) ?? ExitCode.hostFailed,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
