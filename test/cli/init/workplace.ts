import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, vi } from 'vitest';
import { parse } from 'yaml';
import { init, type InitOptions } from '../../../src/cli/init/init.js';
import { Questions } from '../../../src/cli/init/questions.js';
import { freshDirectory } from '../../support/directory.js';

/** A directory in which `pgprov init` runs, and what it says. */
export interface Workplace {
  readonly path: string;
  at(...names: string[]): string;
  /** Files by name. */
  write(files: Record<string, string>): void;
  /** The inventory that it writes, without a terminal. */
  made(options: InitOptions): Promise<unknown>;
  /** The same at a terminal where somebody types these lines and then goes. */
  asked(lines: readonly string[], options?: InitOptions): Promise<unknown>;
  /** What was printed so far, the questions included. */
  readonly printed: string;
  /** What it says was not taken over, or was taken otherwise, without the directory's path. */
  readonly notes: string[];
}

/** A workplace for the tests of a file, empty before each. */
export function initWorkplace(): Workplace {
  const work = freshDirectory();
  let printed = '';
  const keep = (text: unknown): true => {
    printed += String(text);
    return true;
  };
  beforeEach(() => {
    printed = '';
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(keep);
  });
  afterEach(() => vi.restoreAllMocks());
  const made = async (options: InitOptions, open: () => Questions | undefined): Promise<unknown> => {
    await init(work.at('inventory.yml'), options, open);
    return parse(readFileSync(work.at('inventory.yml'), 'utf8'));
  };
  return {
    get path() {
      return work.path;
    },
    get printed() {
      return printed;
    },
    get notes() {
      const lines = printed.split('\n').filter((line) => line.startsWith('  ') && !line.startsWith('  pgprov'));
      return lines.map((line) => line.trim().replaceAll(`${work.path}/`, ''));
    },
    at: (...names) => work.at(...names),
    write: (files) => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(work.at(name)), { recursive: true });
        writeFileSync(work.at(name), text);
      }
    },
    made: (options) => made(options, () => undefined),
    asked: (lines, options = {}) => {
      const input = new PassThrough();
      const output = new PassThrough();
      output.on('data', keep);
      return made(options, () => {
        input.end(lines.map((line) => `${line}\n`).join(''));
        return new Questions(input, output);
      });
    },
  };
}
