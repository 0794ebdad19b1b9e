import { spawn } from 'node:child_process';
import { describe, expect } from 'vitest';
import { which } from 'zx';
import { sample } from './depth.js';

/** The shells that scripts have to run in. */
export const SHELLS = ['dash', 'bash', 'busybox sh'] as const;
export type Shell = (typeof SHELLS)[number];

/** The shells that a supported host may have as /bin/sh, with the tools of a full system. */
export const HOST_SHELLS = ['dash', 'bash'] as const;

/** How a script ended. */
export interface Ended {
  code: number | null;
  out: Buffer;
  err: string;
}

/** True when the program is on this machine; where it is not, the tests say so in their titles. */
export function isThere(program: string): boolean {
  return which.sync(program, { nothrow: true }) !== null;
}

/**
 * One `describe` a shell, skipped with the reason in its title where the shell is missing. By default each file is tried in one shell,
 * which the seed chooses; the matrix takes all.
 * @param sideBySide for tests that wait more than they work, and share nothing
 */
export function inEveryShell(shells: readonly Shell[], tests: (shell: Shell) => void, { sideBySide = false } = {}): void {
  for (const shell of sample(shells, 1, expect.getState().testPath?.split('/').at(-1))) {
    const there = isThere(shell.split(' ')[0] ?? '');
    describe.skipIf(!there)(there ? shell : `${shell} (skipped: not on this machine)`, { concurrent: sideBySide }, () => tests(shell));
  }
}

/** Feeds a script to a shell on standard input, as a transport does. */
export function feed(
  shell: Shell,
  script: string | Buffer,
  options: { env?: NodeJS.ProcessEnv; cwd?: string; args?: readonly string[]; user?: { uid: number; gid: number }; timeout?: number } = {},
): Promise<Ended> {
  const [program = '', ...words] = shell.split(' ');
  const child = spawn(program, [...words, ...(options.args ?? [])], {
    env: options.env,
    cwd: options.cwd,
    ...options.user,
    timeout: options.timeout,
    killSignal: 'SIGKILL',
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(script);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err).toString('utf8') }));
  });
}
