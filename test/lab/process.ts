import { $ } from 'zx';

/** What a command left behind. */
export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command silently; a failure throws with its output. */
export const run = $({ quiet: true });

/** Runs a command silently; a failure is a result like any other. */
export const attempt = $({ quiet: true, nothrow: true });

/** Says what the lab does, on stderr so that output meant for other programs stays clean. */
export function say(text: string): void {
  process.stderr.write(`lab: ${text}\n`);
}

/** Resolves after some milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
