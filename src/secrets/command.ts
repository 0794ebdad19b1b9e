import { spawn } from 'node:child_process';
import { InputError } from '../lib/errors.js';
import { redact, Secret } from '../lib/secret.js';
import { systemReason } from '../lib/system-reason.js';
import { problemOf } from './mapping-text.js';

/** A program that prints a secret. */
export interface SecretCommand {
  /** As written, for messages; its arguments are never told, because they may be secret as well. */
  shown: string;
  /** Absolute path. */
  program: string;
  args: readonly string[];
  /** Where it runs. */
  directory: string;
}

/** How a program is run. */
export interface CommandOptions {
  env: NodeJS.ProcessEnv;
  /** Milliseconds after which it is given up. */
  timeoutMs?: number;
}

/** Long enough to touch a key or answer a prompt of the program's own, on another screen. */
const TIMEOUT_MS = 60_000;

/** Far more than any password has. */
const MOST_BYTES = 64 * 1024;

/** Milliseconds between asking a program to end and ending it. */
const GRACE_MS = 2_000;

/** What of its complaints is repeated. */
const MOST_LINES = 5;
const LONGEST_LINE = 200;

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: Buffer;
  /** Why it was given up, if it was. */
  given?: 'time' | 'size';
}

/**
 * Runs a program and gives what it prints, less one newline at the end. It gets no input, and no shell reads its arguments.
 * @throws InputError saying how it failed and what it said on stderr
 */
export async function runSecretCommand(command: SecretCommand, { env, timeoutMs = TIMEOUT_MS }: CommandOptions): Promise<string> {
  const { shown } = command;
  const ended = await run(command, env, timeoutMs);
  const fail = (message: string, hint: string): InputError =>
    new InputError({ kind: 'secrets/command', message: [`${shown} ${message}`, ...complaints(ended)].join('\n'), hint });
  if (ended.given === 'time')
    throw fail(`did not end within ${timeoutMs / 1000} seconds`, 'it gets no input: have it print the secret without asking for anything');
  if (ended.given === 'size')
    throw fail('prints more than a secret can be', `have it print the secret alone, ${MOST_BYTES / 1024} KiB at most`);
  if (ended.code !== 0)
    throw fail(
      ended.code === null ? `was ended by ${ended.signal}` : `ended with exit code ${ended.code}`,
      'run it by hand in the directory of the inventory',
    );
  const text = decode(ended.stdout);
  const wrong = text === undefined ? 'is not UTF-8 text' : problemOf(text);
  if (text === undefined || wrong !== undefined)
    throw fail(`printed something that cannot be a secret: it ${wrong}`, 'have it print the secret alone on stdout');
  return text;
}

function run({ program, args, directory, shown }: SecretCommand, env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, env, argv0: shown, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    const ended: Ended = { code: null, signal: null, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    let bytes = 0;
    const giveUp = (why: 'time' | 'size'): void => {
      ended.given ??= why;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
      // A child of its own may hold them open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => giveUp('time'), timeoutMs);
    const collectIn =
      (chunks: Buffer[]) =>
      (chunk: Buffer): void => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MOST_BYTES) giveUp('size');
      };
    child.stdout.on('data', collectIn(stdout));
    child.stderr.on('data', collectIn(stderr));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        new InputError({
          kind: 'secrets/command',
          message: `${shown} cannot be run: ${cause.code === 'ENOENT' ? 'there is no such program' : systemReason(cause)}`,
          hint: 'run it by hand in the directory of the inventory',
          cause,
        }),
      );
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...ended, code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
  });
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/u, '');
  } catch {
    return undefined;
  }
}

function complaints({ stdout, stderr }: Ended): string[] {
  // What it printed may stand in its complaints as well.
  for (const line of stdout.toString('utf8').split('\n')) new Secret(line.trim());
  const lines = redact(stderr.toString('utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.slice(-MOST_LINES).map((line) => `    ${line.slice(0, LONGEST_LINE)}`);
}
