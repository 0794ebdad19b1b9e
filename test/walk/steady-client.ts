import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { patience } from '../support/patience.js';
import type { ClientAccess } from './writer.js';

/** Milliseconds between an answer and the next statement. */
const PAUSE = 20;

/**
 * A client that keeps one connection, as programs with a pool of their own do, and sends one statement after the other through it. It begins no second
 * connection: what ends the first one is an error that a program would see.
 */
export class SteadyClient {
  /** Statements that were answered. */
  answered = 0;
  /** What it was told beside numbers, and that the connection ended. */
  readonly errors: string[] = [];
  /** The longest time between a statement and its answer, in milliseconds. */
  longestWait = 0;
  readonly #process: ChildProcess;
  readonly #statement: string;
  #sent = Date.now();
  #stopped = false;

  private constructor(process: ChildProcess, statement: string) {
    this.#process = process;
    this.#statement = statement;
  }

  /**
   * Connects, and begins.
   * @param statement gives one whole number
   */
  static async start({ addresses, port, user, password }: ClientAccess, statement: string, database = 'postgres'): Promise<SteadyClient> {
    const dsn = `host=${addresses.join(',')} port=${port} user=${user} dbname=${database} connect_timeout=10`;
    const process_ = spawn('psql', [dsn, '-XAtq', '-v', 'ON_ERROR_STOP=0'], {
      env: { PATH: process.env['PATH'], PGPASSWORD: password },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const client = new SteadyClient(process_, statement);
    process_.on('exit', (code) => {
      if (!client.#stopped) client.errors.push(`psql ended with ${code}`);
    });
    createInterface({ input: process_.stderr }).on('line', (line) => client.errors.push(line));
    createInterface({ input: process_.stdout }).on('line', (line) => client.#hear(line));
    process_.stdin.on('error', () => undefined);
    client.#send();
    await client.moves();
    return client;
  }

  /** Waits until another statement was answered. */
  async moves(): Promise<void> {
    const [before, end] = [this.answered, Date.now() + patience(60_000)];
    while (this.answered === before) {
      if (Date.now() > end) throw new Error(`no statement was answered: ${this.errors.join('; ')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await ended;
  }

  #send(): void {
    if (this.#stopped) return;
    this.#sent = Date.now();
    this.#process.stdin?.write(`${this.#statement};\n`);
  }

  #hear(line: string): void {
    if (!/^\d+$/u.test(line)) {
      this.errors.push(line);
      return;
    }
    this.longestWait = Math.max(this.longestWait, Date.now() - this.#sent);
    this.answered += 1;
    setTimeout(() => this.#send(), PAUSE);
  }
}
