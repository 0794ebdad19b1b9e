import { once } from 'node:events';
import { distinctPaints, makePaint } from '../../report/paint.js';
import { printable } from '../../report/printable.js';
import { padToWidth, widestOf } from '../../report/width.js';
import type { LogLine } from './log-line.js';

/** How lines are written. */
export interface WriterOptions {
  out: NodeJS.WriteStream;
  /** In inventory order, since each has a colour. */
  hosts: readonly string[];
  color: boolean;
  json: boolean;
  /** Begin each with its time. */
  timestamps: boolean;
  /** Lines that are wanted; default: all. */
  grep?: RegExp;
}

/** Writes lines as `host unit | text`, no faster than they are read; without secrets, and without anything that a terminal would act on. */
export class LineWriter {
  readonly #options: WriterOptions;
  readonly #paints: ReadonlyMap<string, (text: string) => string>;
  readonly #hostWidth: number;
  #unitWidth = 0;
  #closed = false;

  constructor(options: WriterOptions) {
    const { out, hosts, color } = options;
    const paints = distinctPaints(color);
    this.#options = options;
    this.#paints = new Map(hosts.map((host, index) => [host, paints[index % paints.length] as (text: string) => string]));
    this.#hostWidth = widestOf(hosts);
    out.once('error', () => (this.#closed = true));
  }

  /** Nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Leaves room for what lines may be called. */
  expect(units: readonly string[]): void {
    this.#unitWidth = Math.max(this.#unitWidth, widestOf(units));
  }

  /** The line as it may be shown; undefined for one that is not wanted. */
  clean(line: LogLine): LogLine | undefined {
    const text = printable(line.text);
    return this.#options.grep?.test(text) === false ? undefined : { ...line, text };
  }

  /** Writes lines that are clean. */
  async write(lines: Iterable<LogLine>): Promise<void> {
    const { out } = this.#options;
    for (const line of lines) {
      if (this.#closed) return;
      if (out.write(`${this.#format(line)}\n`)) continue;
      await Promise.race([once(out, 'drain'), once(out, 'close')]).catch(() => undefined);
    }
  }

  #format({ at, host, unit, text }: LogLine): string {
    const { json, timestamps, color } = this.#options;
    const time = new Date(at).toISOString();
    if (json) return JSON.stringify({ at: time, host, unit, line: text });
    const name = `${padToWidth(host, this.#hostWidth)} ${padToWidth(unit, this.#unitWidth)} |`;
    const paint = this.#paints.get(host) ?? ((plain: string) => plain);
    return `${timestamps ? `${makePaint(color).quiet(time)} ` : ''}${paint(name)} ${text}`;
  }
}
