import type { SourceDocument } from './document.js';
import { formatPath } from './mapping.js';
import type { Path } from './mapping.js';
import type { Problem } from './problem.js';
import type { Provenance } from './inventory.js';

/** What a problem may say besides its message. */
export interface ProblemOptions {
  /** Which end of the `key: value` pair to point at; default `value`. */
  at?: 'key' | 'value';
  hint?: string | undefined;
}

/** Collects problems, each with its position. */
export class Report {
  readonly problems: Problem[] = [];
  readonly #document: SourceDocument;
  readonly #malformed = new Set<string>();

  constructor(document: SourceDocument) {
    this.#document = document;
  }

  /** A problem at a place in the file. */
  add(path: Path, message: string, { at = 'value', hint }: ProblemOptions = {}): void {
    const position = this.#document.position(path, at);
    this.#malformed.add(`${position.line}:${position.column}`);
    const place = { path: formatPath(path), file: this.#document.file, ...position };
    this.problems.push({ message, ...place, ...(hint === undefined ? {} : { hint }) });
  }

  /** A problem of a resolved value, told where the value came from; none if the place itself is malformed. */
  addFor(path: string, from: Provenance | undefined, message: string, hint?: string, entry?: number): void {
    const place =
      from?.kind === 'set'
        ? { file: '--set' }
        : { file: this.#document.file, ...(entry === undefined ? positionOf(from) : (from?.entries?.[entry] ?? positionOf(from))) };
    if (from?.line !== undefined && this.#malformed.has(`${from.line}:${from.column}`)) return;
    this.problems.push({ message, path, ...place, ...(hint === undefined ? {} : { hint }) });
  }

  /** A problem of a `--set` option, named by what stands left of its `=`. */
  addSet(label: string, message: string, hint?: string): void {
    this.problems.push({ message, path: label, file: '--set', ...(hint === undefined ? {} : { hint }) });
  }

  /** `line 14`, for messages that name a second place. */
  line(path: Path): string {
    return `line ${this.#document.position(path, 'key').line}`;
  }
}

function positionOf(from: Provenance | undefined): { line?: number; column?: number } {
  return from?.line === undefined ? {} : { line: from.line, column: from.column ?? 1 };
}
