import { byTime, type LogLine } from './log-line.js';

/** Keeps of all lines that come the newest. */
export class NewestLines {
  readonly #most: number;
  #lines: LogLine[] = [];
  #cut = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Older lines were left out. */
  get cut(): boolean {
    return this.#cut || this.#lines.length > this.#most;
  }

  add(line: LogLine): void {
    this.#lines.push(line);
    // Sorted now and then, so that the whole history of a large cluster never has to be held.
    if (this.#lines.length >= 2 * this.#most) this.#drop();
  }

  /** By time. */
  sorted(): readonly LogLine[] {
    this.#drop();
    return this.#lines;
  }

  #drop(): void {
    byTime(this.#lines);
    if (this.#lines.length <= this.#most) return;
    this.#cut = true;
    this.#lines = this.#lines.slice(-this.#most);
  }
}
