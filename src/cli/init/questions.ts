import { createInterface, type Interface } from 'node:readline/promises';
import { ExitCode, PgprovError } from '../../lib/errors.js';

/** A question at the terminal. */
export interface Question {
  text: string;
  /** Taken for an empty answer. */
  usual?: string;
  /** What is wrong with an answer, in words; undefined when nothing is. */
  problem?(answer: string): string | undefined;
}

/** A conversation at the terminal. */
export class Questions {
  readonly #prompt: Interface = createInterface({ input: process.stdin, output: process.stdout });
  readonly #ended: Promise<never>;

  constructor() {
    this.#ended = new Promise((_, reject) => {
      this.#prompt.once('close', () =>
        reject(new PgprovError({ kind: 'cli/interrupted', message: 'no answer; nothing was written', exitCode: ExitCode.interrupted })),
      );
    });
    // Nobody may be waiting when it is closed in the end.
    this.#ended.catch(() => undefined);
    this.#prompt.once('SIGINT', () => this.#prompt.close());
  }

  /**
   * Asks until the answer is one.
   * @throws PgprovError `cli/interrupted` when the input ends, or on Ctrl-C
   */
  async ask({ text, usual, problem }: Question): Promise<string> {
    for (;;) {
      const given = (
        await Promise.race([this.#prompt.question(usual === undefined ? `${text}: ` : `${text} [${usual}]: `), this.#ended])
      ).trim();
      const answer = given === '' ? (usual ?? '') : given;
      const wrong = problem?.(answer);
      if (wrong === undefined) return answer;
      process.stdout.write(`  ${wrong}\n`);
    }
  }

  close(): void {
    this.#prompt.close();
  }
}
