import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { track } from './child-processes.js';
import { assertUninterrupted } from './interrupt.js';

/** What a process took, as the operating system counts it. */
export interface Spent {
  /** Wall time, from the start of the process to its end. */
  seconds: number;
  /** CPU time of the process and of all its children that it waited for. */
  cpu: number;
  /** Peak resident memory of the largest one of these processes, in MB (10^6 bytes). */
  peak: number;
}

/** How a process ended, what it took and what it printed. */
export interface Finished extends Spent {
  code: number | null;
  /** Standard output alone. */
  stdout: string;
  /** Both streams in the order of arrival. */
  all: string;
}

/** Settings of a timed process. */
export interface ChildOptions {
  cwd?: string;
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
}

/** Runs a program without input under GNU time. */
export async function timed(argv: readonly string[], options: ChildOptions = {}): Promise<Finished> {
  assertUninterrupted();
  const folder = await mkdtemp(join(tmpdir(), 'pgprov-bench-time-'));
  const report = join(folder, 'report');
  try {
    const began = process.hrtime.bigint();
    const child = track(
      spawn('time', ['--quiet', '--format', '%U %S %M', '--output', report, ...argv], {
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...process.env, NO_COLOR: '1', ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own, so that all of it can be ended.
        detached: true,
      }),
    );
    let [stdout, all] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      all += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => (all += chunk.toString()));
    // Not until its output is closed, which a process that it leaves behind may hold open.
    const [code, seconds] = await new Promise<[number | null, number]>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (status) => resolve([status, Number(process.hrtime.bigint() - began) / 1e9]));
    });
    await settled();
    const [user = 0, system = 0, kibibytes = 0] = (await readFile(report, 'utf8')).trim().split(' ').map(Number);
    return { code, seconds, cpu: user + system, peak: (kibibytes * 1024) / 1e6, stdout, all };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a process printed last may still be on its way when it has ended. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
