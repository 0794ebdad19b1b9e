import { $ } from 'zx';

/** What a command left behind. */
export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command silently and without input; a failure throws with its output. */
export const run = $({ quiet: true, stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs a command silently and without input; a failure is a result like any other. */
export const attempt = $({ quiet: true, nothrow: true, stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs a program with some input; a failure is a result like any other. */
export async function feed(input: string, command: string[]): Promise<Result> {
  // zx leaves standard input open when there is nothing to write to it.
  const shell = input === '' ? attempt : $({ quiet: true, nothrow: true, input });
  const done = await shell`${command}`;
  return { code: done.exitCode, stdout: done.stdout, stderr: done.stderr };
}

/** Says what the lab does, on stderr so that output meant for other programs stays clean. */
export function say(text: string): void {
  process.stderr.write(`lab: ${text}\n`);
}

/** Resolves after some milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
