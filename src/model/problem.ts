import { InputError } from '../lib/errors.js';

/** One thing that is wrong, or doubtful, in an inventory. */
export interface Problem {
  /** What is wrong, in words that follow the path: `must be an integer from 1 to 65535`. */
  message: string;
  /** Dotted path of the place, e.g. `hosts.pg2.ssh.port`; empty for the whole file. */
  path: string;
  /** The file as the user named it, or `--set`. */
  file: string;
  /** 1-based. */
  line?: number;
  /** 1-based. */
  column?: number;
  /** What to do about it. */
  hint?: string;
}

/** `inventory.yml:14:9 hosts.pg2.ssh.port: must be …`, and the hint on a line of its own below. */
export function formatProblem(problem: Problem): string {
  const position = problem.line === undefined ? '' : `:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  const hint = problem.hint === undefined ? '' : `\n    ${problem.hint}`;
  return `${problem.file}${position}${path}: ${problem.message}${hint}`;
}

/** The inventory cannot be used; the message lists every problem, one a line, in the order of the file. */
export class InventoryError extends InputError {
  readonly problems: Problem[];

  constructor(problems: readonly Problem[], cause?: unknown) {
    const sorted = sortProblems(problems);
    super({
      kind: 'inventory/invalid',
      message: sorted.map(formatProblem).join('\n'),
      ...(cause === undefined ? {} : { cause }),
    });
    this.problems = sorted;
  }
}

/** In the order of the file, command line options last, each problem once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  const rank = (problem: Problem): number => (problem.file === '--set' ? 1 : 0);
  return [...unique.values()].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
