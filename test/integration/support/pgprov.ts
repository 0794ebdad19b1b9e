import { spawn, type ChildProcess } from 'node:child_process';
import { PROGRAM } from '../../lab/stages/product.js';
import { noteSpent } from '../../support/spent-in-run.js';

export { PROGRAM };

/** How a pgprov process ended, and all it printed. */
export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Both streams, in the order of arrival. */
  all: string;
}

/** A pgprov process under way. */
export interface Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when the output so far matches; rejects when the process ends before. */
  printed(pattern: RegExp): Promise<void>;
}

/** Starts the built program as a user would, not on a terminal. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const began = Date.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  let all = '';
  const watchers = new Set<() => void>();
  const take =
    (stream: 'out' | 'err') =>
    (chunk: Buffer): void => {
      if (stream === 'out') stdout += chunk.toString();
      else stderr += chunk.toString();
      all += chunk.toString();
      for (const watcher of watchers) watcher();
    };
  child.stdout.on('data', take('out'));
  child.stderr.on('data', take('err'));
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => {
      noteSpent(args, began);
      resolve({ code, signal, stdout, stderr, all });
    });
  });
  return {
    process: child,
    finished,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          if (!pattern.test(all)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
        void finished.then(() => reject(new Error(`pgprov ended before it printed ${pattern}:\n${all}`)));
      }),
  };
}

/** Runs the built program to its end. */
export function pgprov(...args: readonly string[]): Promise<Finished> {
  return start(args).finished;
}

/**
 * Gives the same command once for each moment, and kills it there. A kill may come after the next moment as well, and then the next run does not
 * have that one again; rejects where a run ends whose output should have matched and that of none before it did.
 */
export async function killAtEach(args: readonly string[], moments: readonly RegExp[]): Promise<void> {
  let before = '';
  for (const moment of moments) {
    const run = start(args);
    const missed = await run.printed(moment).then(
      () => undefined,
      (error: unknown) => error,
    );
    run.process.kill('SIGKILL');
    const { code, all } = await run.finished;
    if (missed !== undefined && (code !== 0 || !moment.test(before))) throw missed;
    before += all;
  }
}
