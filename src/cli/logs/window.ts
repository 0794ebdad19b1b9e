import { byTime, type LogLine } from './log-line.js';

/** Puts lines of several hosts in order while they come: each waits a while for older ones of other hosts. */
export class OrderingWindow {
  readonly #ms: number;
  readonly #waiting: { line: LogLine; came: number }[] = [];

  /** @param ms how long a line waits */
  constructor(ms: number) {
    this.#ms = ms;
  }

  add(line: LogLine, now: number): void {
    this.#waiting.push({ line, came: now });
  }

  /** The lines that have waited long enough, with all that are older than one of these, by time. */
  take(now: number): LogLine[] {
    const due = this.#waiting.filter(({ came }) => came + this.#ms <= now);
    const latest = due.reduce((last, { line: { at } }) => Math.max(last, at), Number.NEGATIVE_INFINITY);
    const taken = this.#waiting.filter(({ line, came }) => came + this.#ms <= now || line.at <= latest);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((entry) => !taken.includes(entry)));
    return byTime(taken.map(({ line }) => line));
  }

  /** All that is left, by time. */
  rest(): LogLine[] {
    return this.take(Number.POSITIVE_INFINITY);
  }
}
