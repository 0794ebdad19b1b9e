import { spawn, type ChildProcess } from 'node:child_process';
import { PROGRAM } from './pgprov.js';

/** A command line of the built program, in a directory and an environment of its own. */
export interface CommandLine {
  readonly child: ChildProcess;
  /** All it has printed so far. */
  text(): string;
  /** Resolves when what it has printed matches. */
  printed(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ code: number | null; text: string }>;
}

export interface CommandLineOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** What stands on stdin; default: nothing. Left open with `terminal`. */
  input?: string | Buffer;
  /** Whether it runs at a terminal, where what is written to the child's stdin is typed. */
  terminal?: boolean;
}

/** Starts one. */
export function startCommandLine(args: readonly string[], { cwd, env, input = '', terminal = false }: CommandLineOptions): CommandLine {
  const words = [process.execPath, PROGRAM, ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const [program = '', ...rest] = terminal ? ['script', '-qec', quoted, '/dev/null'] : words;
  const child = spawn(program, rest, { cwd, env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env }, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stdin.on('error', () => undefined);
  if (!terminal) child.stdin.end(input);
  const ended = new Promise<{ code: number | null; text: string }>((resolve) => child.on('close', (code) => resolve({ code, text })));
  const printed = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(text)) {
      if (child.exitCode !== null) throw new Error(`it ended before it printed ${pattern}:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { child, text: () => text, printed, ended };
}

/** Runs one to its end. */
export function runCommandLine(args: readonly string[], options: CommandLineOptions): Promise<{ code: number | null; text: string }> {
  return startCommandLine(args, options).ended;
}
