import { createInterface, type Interface } from 'node:readline';
import { writeSentence } from '../sentence.js';
import { ExitCode, PgprovError } from '../../lib/errors.js';

/** A question at the terminal. */
export interface Question {
  text: string;
  /** Taken for an empty answer. */
  usual?: string;
  /** What is wrong with an answer, in words; undefined when nothing is. */
  problem?(answer: string): string | undefined | Promise<string | undefined>;
}

/** A conversation at the terminal. Lines that come before their question, as those of a list that is pasted, are kept for it. */
export class Questions {
  readonly #output: NodeJS.WritableStream;
  readonly #prompt: Interface;
  readonly #early: string[] = [];
  #waiting: ((line: string | undefined) => void) | undefined;
  #isClosed = false;

  constructor(input: NodeJS.ReadableStream = process.stdin, output: NodeJS.WritableStream = process.stdout) {
    this.#output = output;
    this.#prompt = createInterface({ input, output });
    this.#prompt.on('line', (line) => {
      if (this.#waiting === undefined) this.#early.push(line);
      else this.#answer(line);
    });
    this.#prompt.once('close', () => {
      this.#isClosed = true;
      this.#answer(undefined);
    });
    this.#prompt.once('SIGINT', () => this.#prompt.close());
  }

  /** Says something between two questions. */
  say(text: string): void {
    this.#output.write(text);
  }

  /** Says what is wrong with an answer, or what became of it. */
  note(text: string): void {
    writeSentence(this.#output, '  ', text);
  }

  /**
   * Asks until the answer is one.
   * @throws PgprovError `cli/interrupted` when the input ends, or on Ctrl-C
   */
  async ask({ text, usual, problem }: Question): Promise<string> {
    for (;;) {
      const given = (await this.#line(usual === undefined ? `${text}: ` : `${text} [${usual}]: `)).trim();
      const answer = given === '' ? (usual ?? '') : given;
      const wrong = await problem?.(answer);
      if (wrong === undefined) return answer;
      this.note(wrong);
    }
  }

  close(): void {
    this.#prompt.close();
  }

  async #line(question: string): Promise<string> {
    const early = this.#early.shift();
    if (early !== undefined) {
      this.say(`${question}${early}\n`);
      return early;
    }
    const line = this.#isClosed ? undefined : await this.#next(question);
    if (line !== undefined) return line;
    this.say('\n');
    throw new PgprovError({ kind: 'cli/interrupted', message: 'no answer; nothing was written', exitCode: ExitCode.interrupted });
  }

  async #next(question: string): Promise<string | undefined> {
    // Of a question of several lines only the last is redrawn while somebody types.
    const lines = question.split('\n');
    this.say(
      lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join(''),
    );
    this.#prompt.setPrompt(lines.at(-1) ?? '');
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#prompt.prompt();
    });
  }

  /** At once, because the next line of what is pasted comes before whoever waits for this one goes on. */
  #answer(line: string | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(line);
  }
}
