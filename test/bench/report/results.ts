import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Machine } from '../lib/machine.js';
import type { Series } from '../lib/sample.js';

/** A target beside what was measured; `reached` is undefined where the run has no answer. */
export interface Target {
  wanted: string;
  measured: string;
  reached?: boolean;
}

/** How many times as long one took as another, round by round. */
export interface Ratio {
  /** Such as `Ansible ÷ pgprov`. */
  title: string;
  values: number[];
}

/** All that a measure has to say. */
export interface Findings {
  series: Series[];
  ratios: Ratio[];
  targets: Target[];
  /** Sentences about what was seen or what a reader must know. */
  notes: string[];
}

/** The findings of a measure, with what they were taken on. */
export interface MeasureResult extends Findings {
  name: string;
  title: string;
  work: string;
  /** ISO 8601, when the measure began. */
  takenAt: string;
  rounds: number;
  machine: Machine;
  /** Of every contender that took part, by name. */
  versions: Record<string, string>;
  /** Why a contender did not take part, by name. */
  missing: Record<string, string>;
}

/** The results file: the latest result of each measure. */
export interface Results {
  format: 1;
  measures: Record<string, MeasureResult>;
}

/** Results with those of some measures replaced; the others stay as they were. */
export function merge(results: Results, fresh: readonly MeasureResult[]): Results {
  return { ...results, measures: { ...results.measures, ...Object.fromEntries(fresh.map((result) => [result.name, result])) } };
}

/** The results that a file holds; none where there is no file. */
export async function readResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { format: 1, measures: {} };
  const results = JSON.parse(text) as Results;
  if (results.format !== 1) throw new Error(`${file} is of another version of the benchmark; move it away`);
  return results;
}

/** Writes a file whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
