import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { InputError } from '../lib/errors.js';

/** A program that takes the place of pgprov at the terminal. */
export interface ProgramRun {
  program: string;
  args: readonly string[];
  /** Default: that of this process. */
  env?: NodeJS.ProcessEnv;
  /** Default: those of this process. */
  stdio?: StdioOptions;
  /** Ends it. */
  signal: AbortSignal;
  /** How one comes by the program, where it is not there. */
  hint: string;
}

/**
 * Runs a program to its end, with the terminal of this process; gives its exit code, as a shell does also where a signal ended it.
 * @throws InputError `cli/no-program` where it is not there
 */
export async function runProgram({ program, args, env = process.env, stdio = 'inherit', signal, hint }: ProgramRun): Promise<number> {
  const child = spawn(program, [...args], { env, stdio });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) => {
        const missing = new InputError({
          kind: 'cli/no-program',
          message: `the program ${program} is not on this machine`,
          hint,
          cause: error,
        });
        reject(error.code === 'ENOENT' ? missing : error);
      });
      child.on('close', (code, killedBy) => resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy])));
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
